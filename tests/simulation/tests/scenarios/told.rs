//! What people read of a notice.

use pushboat::ports::Publication;

use crate::play::Play;

impl Play {
    /// Gives a notice's headline and its sentences, without what is the same in each.
    ///
    /// `email` is what the template's email subscription gets, `topic` what only
    /// others see. What is told in every scenario has its headline alone.
    pub(crate) fn told(&mut self, publication: &Publication) -> String {
        let attribute = |wanted: &str| {
            let mut attributes = publication.attributes.iter();
            let found = attributes.find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let way = match attribute("outcome") {
            Some(_) => "email",
            None => "topic",
        };
        let severity = attribute("severity").unwrap_or_default();
        let mut bodies = publication.bodies.iter();
        let body = bodies.find(|(protocol, _)| *protocol == "email");
        let body = body.map(|(_, body)| body.as_str()).unwrap_or_default();
        let mut paragraphs = body.split("\n\n");
        let headline = paragraphs.next().unwrap_or_default();
        let mut text = format!("{way}, {severity}: {headline}");
        if attribute("event") == Some("baking") {
            return text;
        }
        for paragraph in paragraphs {
            if paragraph.starts_with("Service:  ") {
                text.push_str(&self.another_digest(paragraph));
            } else if !paragraph.starts_with("Notice ") {
                text.push('\n');
                text.push_str(paragraph);
            }
        }
        text
    }

    /// The digest where the tag does not say which image it is.
    fn another_digest(&mut self, facts: &str) -> String {
        let fact = |name: &str| {
            let line = facts.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        let (image, digest) = (fact("Image:"), self.plain.plain(&fact("Digest:")));
        let name = digest.trim_start_matches("sha256:");
        match image.ends_with(&format!(":{name}")) {
            true => String::new(),
            false => format!("\nDigest: {digest}"),
        }
    }
}
