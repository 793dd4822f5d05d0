//! Names and times instead of digests, ARNs and ids.

use jiff::Timestamp;
use pushboat::core::name::ImageDigest;
use simulation::REGISTRY;

use crate::words::written;

/// The lines to be pasted into a shell, without what is the same in each.
const SHORTER: [(&str, &str); 3] = [
    (
        "aws lambda invoke --function-name pushboat-operator --region eu-west-1 --cli-binary-format raw-in-base64-out --payload '",
        "operator '",
    ),
    ("' /dev/stdout", "'"),
    (" --region eu-west-1", ""),
];

/// What long names are replaced by.
pub(crate) struct Plain {
    began: Timestamp,
    digests: Vec<(String, String)>,
    tasks: Vec<String>,
    rollouts: Vec<(String, String)>,
}

impl Plain {
    pub(crate) fn new(began: Timestamp) -> Self {
        Self {
            began,
            digests: Vec::new(),
            tasks: Vec::new(),
            rollouts: Vec::new(),
        }
    }

    /// Counts times from now on.
    pub(crate) fn begin(&mut self, began: Timestamp) {
        self.began = began;
    }

    /// Names a digest; the image's name is `repository@name`.
    pub(crate) fn name(&mut self, digest: &ImageDigest, image: &str) {
        let name = image.rsplit_once('@').map_or(image, |(_, name)| name);
        let pair = (digest.to_string(), name.to_owned());
        if !self.digests.contains(&pair) {
            self.digests.push(pair);
        }
    }

    /// Names a rollout by its tag.
    pub(crate) fn name_rollout(&mut self, id: &str, tag: &str) {
        let pair = (id.to_owned(), format!("<id of {tag}>"));
        if !self.rollouts.contains(&pair) {
            self.rollouts.push(pair);
        }
    }

    /// Writes a text for people who review it.
    pub(crate) fn plain(&mut self, text: &str) -> String {
        let mut text = text.replace(&format!("https://{REGISTRY}/"), "https://<registry>/");
        text = text.replace(&format!("{REGISTRY}/"), "");
        for (digest, name) in &self.digests {
            text = text.replace(digest.as_str(), &format!("sha256:{name}"));
            let short = digest.trim_start_matches("sha256:").get(..12);
            text = text.replace(short.unwrap_or(digest), name);
        }
        text = text.replace("@sha256:", "@");
        for (id, name) in &self.rollouts {
            text = text.replace(id.as_str(), name);
        }
        for (from, to) in SHORTER {
            text = text.replace(from, to);
        }
        let mut plain = String::new();
        let mut word = String::new();
        for c in text.chars() {
            if c.is_ascii_alphanumeric() || ":/_.-*".contains(c) {
                word.push(c);
            } else {
                plain.push_str(&self.word(&std::mem::take(&mut word)));
                plain.push(c);
            }
        }
        plain.push_str(&self.word(&word));
        plain
    }

    fn word(&mut self, word: &str) -> String {
        let end = word.trim_end_matches(['.', ':']);
        let tail = &word[end.len()..];
        if let Ok(at) = end.parse::<Timestamp>() {
            let passed = at.duration_since(self.began).as_secs();
            return format!("{}{tail}", written(passed));
        }
        if let Some((start, _)) = end.split_once("ecs-svc/") {
            return format!("{start}ecs-svc/...{tail}");
        }
        let last = end.rsplit('/').next().unwrap_or(end);
        if last.len() == 32 && last.chars().all(|c| c.is_ascii_hexdigit()) {
            return format!("{}{tail}", self.task(last));
        }
        if end.starts_with("arn:aws:ecs:") && end.contains("service-deployment/") {
            return format!("<its service deployment>{tail}");
        }
        if end.starts_with("arn:aws:") {
            let last = last.rsplit_once(":alarm:").map_or(last, |(_, name)| name);
            return format!("{last}{tail}");
        }
        word.to_owned()
    }

    fn task(&mut self, id: &str) -> String {
        let position = self.tasks.iter().position(|task| task == id);
        let position = position.unwrap_or_else(|| {
            self.tasks.push(id.to_owned());
            self.tasks.len() - 1
        });
        format!("task-{}", position + 1)
    }
}
