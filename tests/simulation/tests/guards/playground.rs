//! A copy of Pushboat and its simulation in which each guard has a switch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::guard::{Guard, Place};

/// The crates that are copied.
const MEMBERS: [&str; 4] = [
    "shared",
    "tests/ecs-model",
    "tests/simulation",
    "tests/stack-model",
];
/// What names the guard that is taken out.
const SWITCH: &str = "PUSHBOAT_GUARD_OUT";
/// Cargo writes it anew for the crates that are there; what it was made of lies beside it.
const LOCK: &str = "Cargo.lock";
const LOCK_OF_THE_WHOLE: &str = "Cargo.lock.whole";
/// Fast to build, and fast enough to play.
const PROFILE: &str = "
[profile.guards]
inherits = \"dev\"
debug = false
opt-level = 1

[profile.guards.package.\"*\"]
debug = false
";

/// Where the copy is, and its program.
pub(crate) struct Playground {
    program: PathBuf,
}

impl Playground {
    /// Copies what is to be built, and builds it; what is up to date is left as it is.
    pub(crate) fn built(guards: &[Guard]) -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guards");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        // Each test may be a process of its own: one builds, the others find it done.
        let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
        lock.lock().map_err(|error| error.to_string())?;
        let copy = folder.join("copy");
        let files = files(guards)?;
        put(&copy, &files).map_err(|error| format!("copying to {}: {error}", copy.display()))?;
        let target = folder.join("target");
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--offline",
                "--package",
                "simulation",
                "--bin",
                "simulate",
            ])
            .args(["--profile", "guards", "--target-dir"])
            .arg(&target)
            .current_dir(&copy)
            .output()
            .map_err(|error| format!("running cargo: {error}"))?;
        if !built.status.success() {
            let said = String::from_utf8_lossy(&built.stderr);
            return Err(format!(
                "the copy in {} does not build:\n{said}",
                copy.display()
            ));
        }
        Ok(Self {
            program: target.join("guards/simulate"),
        })
    }

    /// Plays with a guard taken out; with none where it has no name.
    pub(crate) fn play(&self, guard: &str, options: &[&str]) -> Result<Output, String> {
        Command::new(&self.program)
            .args(options)
            .env(SWITCH, guard)
            .output()
            .map_err(|error| format!("running {}: {error}", self.program.display()))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Gives the copy's files: the sources with their switches, and a workspace of their own.
fn files(guards: &[Guard]) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    for member in MEMBERS {
        for path in ["Cargo.toml", "src", "examples", "tests"] {
            collect(&Path::new(member).join(path), &mut files)
                .map_err(|error| format!("reading {member}/{path}: {error}"))?;
        }
    }
    let places = || guards.iter().flat_map(|guard| &guard.places);
    let names: BTreeSet<&str> = places().map(|place| place.file.as_str()).collect();
    for name in names {
        let path = PathBuf::from(name);
        let text = files.get(&path).map(|file| String::from_utf8_lossy(file));
        let text = text.ok_or_else(|| format!("table.txt names {name}, which is not there"))?;
        let switched = with_switches(&text, places().filter(|place| place.file == name))?;
        files.insert(path, switched.into_bytes());
    }
    let library = files.entry(PathBuf::from("shared/src/lib.rs")).or_default();
    library.extend_from_slice(b"\n#[doc(hidden)]\npub mod guard;\n");
    files.insert(
        PathBuf::from("shared/src/guard.rs"),
        switch_module().into_bytes(),
    );
    let read = |name: &str| {
        fs::read_to_string(root().join(name)).map_err(|error| format!("reading {name}: {error}"))
    };
    files.insert(
        PathBuf::from("Cargo.toml"),
        workspace(&read("Cargo.toml")?).into_bytes(),
    );
    files.insert(
        PathBuf::from("Cargo.lock"),
        read("Cargo.lock")?.into_bytes(),
    );
    Ok(files)
}

/// Reads a file, or all that is in a folder.
fn collect(path: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> std::io::Result<()> {
    let from = root().join(path);
    if from.is_file() {
        files.insert(path.to_owned(), fs::read(from)?);
    } else if from.is_dir() {
        for entry in fs::read_dir(from)? {
            collect(&path.join(entry?.file_name()), files)?;
        }
    }
    Ok(())
}

/// Puts each guard's switch in its place.
fn with_switches<'a>(
    text: &str,
    places: impl Iterator<Item = &'a Place>,
) -> Result<String, String> {
    let mut found = Vec::new();
    for place in places {
        found.push((place.find(text)?, place));
    }
    found.sort_by_key(|(range, _)| range.start);
    let (mut switched, mut copied) = (String::new(), 0);
    for (range, place) in found {
        let before = text.get(copied..range.start);
        let before = before.ok_or_else(|| format!("guard {} overlaps another one", place.guard))?;
        let with = text.get(range.clone()).unwrap_or_default();
        switched.push_str(before);
        switched.push_str(&place.switch(with));
        copied = range.end;
    }
    switched.push_str(text.get(copied..).unwrap_or_default());
    Ok(switched)
}

fn switch_module() -> String {
    format!(
        "//! Says which guard is taken out.

use std::sync::LazyLock;

static OUT: LazyLock<String> = LazyLock::new(|| std::env::var(\"{SWITCH}\").unwrap_or_default());

/// Says whether this guard is the one.
pub fn is_out(guard: &str) -> bool {{
    *OUT == *guard
}}
"
    )
}

/// Makes the workspace's manifest one of the copied crates alone.
fn workspace(manifest: &str) -> String {
    let members = format!("members = {MEMBERS:?}");
    let lines = manifest.lines().map(|line| match line {
        line if line.starts_with("members = ") => members.as_str(),
        line => line,
    });
    let lines: Vec<&str> = lines.collect();
    format!("{}\n{PROFILE}", lines.join("\n"))
}

/// Writes what differs, and removes what is not wanted any more.
fn put(copy: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> std::io::Result<()> {
    let is_there = |path: &Path, content: &[u8]| {
        fs::read(copy.join(path)).is_ok_and(|before| before == content)
    };
    let whole = Path::new(LOCK_OF_THE_WHOLE);
    let same_lock = files.get(whole).is_some_and(|lock| is_there(whole, lock));
    for (path, content) in files {
        let is_made = same_lock && path == Path::new(LOCK);
        if is_made || is_there(path, content) {
            continue;
        }
        let to = copy.join(path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(to, content)?;
    }
    remove_others(copy, Path::new(""), files)
}

fn remove_others(
    copy: &Path,
    folder: &Path,
    files: &BTreeMap<PathBuf, Vec<u8>>,
) -> std::io::Result<()> {
    for entry in fs::read_dir(copy.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(copy, &path, files)?;
        } else if !files.contains_key(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
