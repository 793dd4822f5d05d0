//! The committed corpus, and hostile input, as ordinary tests.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use fuzz::{TARGETS, Target, mutation};
use libtest_mimic::{Arguments, Failed, Trial};

/// How often each seed is changed.
const CHANGES: u64 = 8;
/// How large the corpus may be, all of it.
const CORPUS_LIMIT_BYTES: usize = 1024 * 1024;

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Gives the inputs that are kept for a target.
fn corpus(target: Target) -> Vec<(String, Vec<u8>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut inputs = files(&here.join("corpus").join(target.name));
    assert!(!inputs.is_empty(), "{} has no corpus", target.name);
    if target.name == "events" {
        inputs.extend(files(&here.join("../events")));
    }
    inputs
}

/// Runs a target on one input after the other, and names all that it fails of.
///
/// The panics' own words go to standard error.
fn each_passes(
    target: Target,
    inputs: impl Iterator<Item = (String, Vec<u8>)>,
) -> Result<(), Failed> {
    let fails = |input: &[u8]| std::panic::catch_unwind(|| target.run(input)).is_err();
    let failed = inputs.filter_map(|(what, input)| fails(&input).then_some(what));
    let failed: Vec<String> = failed.collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("{} fails of\n{}", target.name, failed.join("\n")).into())
}

/// Changes each input that is kept, in ways that leave JSON JSON.
fn changes(target: Target) -> impl Iterator<Item = (String, Vec<u8>)> {
    corpus(target).into_iter().flat_map(|(path, input)| {
        (0..CHANGES).filter_map(move |seed| {
            let changed = mutation::mutated(&input, seed)?;
            Some((format!("{path} changed by {seed}"), changed))
        })
    })
}

fn hostile() -> impl Iterator<Item = (String, Vec<u8>)> {
    let hostile = [json(), manifests(), texts()].concat();
    hostile
        .into_iter()
        .map(|(what, input)| (what.to_owned(), input))
}

/// The corpus is read by people and kept for ever: it stays small.
fn the_corpus_is_small() -> Result<(), Failed> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut bytes = 0;
    for folder in fs::read_dir(here)? {
        let folder = folder?.path();
        let name = folder
            .file_name()
            .and_then(OsStr::to_str)
            .unwrap_or_default();
        if Target::named(name).is_none() {
            return Err(format!("{name} is no target").into());
        }
        bytes += files(&folder)
            .iter()
            .map(|(_, input)| input.len())
            .sum::<usize>();
    }
    if bytes > CORPUS_LIMIT_BYTES {
        return Err(format!("the corpus has {bytes} bytes").into());
    }
    Ok(())
}

fn main() {
    let mut trials = vec![Trial::test(
        "the corpus is small, and each folder is a target's",
        the_corpus_is_small,
    )];
    for target in TARGETS {
        let named = |what: &str| format!("{}: {what}", target.name);
        let kept = move || each_passes(target, corpus(target).into_iter());
        trials.push(Trial::test(named("each input that is kept passes"), kept));
        let changed = move || each_passes(target, changes(target));
        trials.push(Trial::test(
            named("each change of an input that is kept passes"),
            changed,
        ));
        let odd = move || each_passes(target, hostile());
        trials.push(Trial::test(named("hostile input passes"), odd));
    }
    let mut arguments = Arguments::from_args();
    // What is measured is the memory of the whole process.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit();
}

/// As long as an event or a message can be, and a little longer.
const LONG: usize = 300_000;

type Hostile = Vec<(&'static str, Vec<u8>)>;

fn text(part: &str) -> Vec<u8> {
    part.repeat(LONG / part.len()).into_bytes()
}

/// Puts something long between two texts.
fn around(before: &str, part: &str, after: &str) -> Vec<u8> {
    format!("{before}{}{after}", part.repeat(LONG / part.len())).into_bytes()
}

fn json() -> Hostile {
    let numbered = (0..1000).map(|number| format!("\"{number}\":0,"));
    let strangers = format!("{{{}\"a\":0}}", numbered.collect::<String>());
    let closed = "[".repeat(LONG / 2) + &"]".repeat(LONG / 2);
    let surrogates = br#"{"id":"\ud800","detail":{"\udfff":"\ud800x"}}"#;
    vec![
        ("deep lists", text("[")),
        ("deep lists, closed", closed.into_bytes()),
        ("deep objects", text(r#"{"detail":"#)),
        ("a long text", around("\"", "x", "\"")),
        ("a text of escapes", around("\"", "\\u0000", "\"")),
        ("lone surrogates", surrogates.to_vec()),
        ("a huge number", around("[", "9", "]")),
        ("a huge exponent", br#"{"version":1e999999999}"#.to_vec()),
        ("a tiny exponent", br#"{"version":-1e-999999999}"#.to_vec()),
        ("very many numbers", around("[", "0,", "0]")),
        ("very many lists", around("[", "[],", "0]")),
        ("very many objects", around("[", "{},", "0]")),
        ("very many fields", around("[", r#"{"a":0},"#, "0]")),
        (
            "a field again and again",
            around("{", r#""a":0,"#, r#""a":0}"#),
        ),
        ("fields that nobody knows", strangers.into_bytes()),
        (
            "mistakes without end",
            format!(r#"{{"images":[{}0]}}"#, "0,".repeat(4000)).into_bytes(),
        ),
        ("a long command", around(r#"{"command":""#, "x", r#""}"#)),
        (
            "a long event id",
            around(r#"{"resources":[""#, "x", r#""]}"#),
        ),
        (
            "a wrong type of a long text",
            around(r#"{"resources":""#, "x", r#""}"#),
        ),
    ]
}

fn manifests() -> Hostile {
    let platform = r#"{"platform":{"os":"linux","architecture":"x"}},"#;
    vec![
        (
            "very many layers",
            around(r#"{"layers":["#, "{},", r#"{}],"config":{}}"#),
        ),
        (
            "very many images",
            around(r#"{"manifests":["#, "{},", "{}]}"),
        ),
        (
            "images that are a text",
            around(r#"{"manifests":""#, "x", r#""}"#),
        ),
        (
            "a long media type",
            around(r#"{"config":{"mediaType":""#, "x", r#""}}"#),
        ),
        (
            "a long artifact type",
            around(r#"{"artifactType":""#, "x", r#""}"#),
        ),
        (
            "very many platforms",
            around(r#"{"manifests":["#, platform, "{}]}"),
        ),
        (
            "a long platform",
            around(r#"{"os":"linux","architecture":""#, "x", r#""}"#),
        ),
        (
            "a long system",
            around(r#"{"architecture":"arm64","os":""#, "x", r#""}"#),
        ),
        (
            "a long label",
            around(
                r#"{"config":{"Labels":{"org.opencontainers.image.source":""#,
                "x",
                r#""}}}"#,
            ),
        ),
    ]
}

fn texts() -> Hostile {
    vec![
        ("nothing", Vec::new()),
        ("NUL", vec![0; LONG]),
        ("no UTF-8", vec![0xff; 1000]),
        ("addresses", text("://")),
        ("folders", text("pwd=/")),
        ("beginnings of keys", text("-----BEGIN ")),
        ("ends of keys", text("-----END ")),
        ("backslashes", text("\\")),
        ("quotes", text("\"")),
        ("escapes", text("\u{1b}")),
        ("lines", text("\n")),
        ("stars", text("*")),
        ("braces", text("{*,")),
    ]
}
