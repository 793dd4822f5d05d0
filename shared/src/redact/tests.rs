//! One secret and one near miss of each kind, and texts of any kind.

use proptest::prelude::*;

use super::redact;

/// A JSON Web Token that nobody ever signed with.
const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[track_caller]
fn hides(text: &str, secret: &str) {
    let shown = redact(text);
    assert!(text.contains(secret), "{text:?} has no {secret:?}");
    let expected = text.replace(secret, "[redacted]");
    assert_eq!(shown, expected);
    assert_eq!(redact(&shown), shown, "hiding twice is hiding once");
}

#[track_caller]
fn keeps(text: &str) {
    assert_eq!(redact(text), text);
}

#[test]
fn aws_access_keys() {
    hides("key AKIAIOSFODNN7EXAMPLE was used", "AKIAIOSFODNN7EXAMPLE");
    hides("ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE");
    keeps("AKIAIOSFODNN7EXAMPL");
    keeps("role AROAIOSFODNN7EXAMPLE");
}

#[test]
fn aws_secret_keys_and_session_tokens() {
    hides(&format!("signed with {SECRET_KEY}."), SECRET_KEY);
    hides(&format!("AWS_SECRET_ACCESS_KEY={SECRET_KEY}"), SECRET_KEY);
    let session = format!("IQoJb3JpZ2luX2Vj{}", "aB3/".repeat(30));
    hides(&format!("got {session} today"), &session);
    keeps("commit 4f1c0de1a2b3c4d5e6f708192a3b4c5d6e7f8091");
    keeps("/usr/Local/lib/Node/v22/Modules/Express1");
    keeps(&format!("{SECRET_KEY}longer"));
    keeps("IQoJ");
}

#[test]
fn authorization_headers_and_bearer_tokens() {
    hides("authorization: Basic Ym9iOnB3", "Basic Ym9iOnB3");
    hides(
        r#"{"Authorization":"Digest a=1, b=2","host":"x"}"#,
        "Digest a=1, b=2",
    );
    hides("curl -H 'Cookie: sid=4; a=b' https://x", "sid=4; a=b");
    hides("sent Bearer abc123def456 to x", "abc123def456");
    keeps("authorization failed for user bob");
    keeps("the bearer of bad news");
}

#[test]
fn json_web_tokens() {
    hides(&format!("session {JWT} is over"), JWT);
    keeps("eyJhbGciOiJIUzI1NiJ9 alone");
    keeps("com.example.eyJson.Reader");
}

#[test]
fn passwords_in_addresses() {
    hides(
        "connect postgres://app:s3cr3t@db.internal:5432/app failed",
        "s3cr3t",
    );
    hides("redis://:hunter2@cache:6379", "hunter2");
    hides("amqp://u:pa/ss@mq", "pa/ss");
    hides(
        "https://0123456789abcdef0123@github.com/x",
        "0123456789abcdef0123",
    );
    keeps("http://localhost:8080/users/bob@example.com");
    keeps("https://git@github.com/x");
    keeps("listening on http://[::]:8080");
}

#[test]
fn connection_strings() {
    hides(
        "Server=db;User Id=app;Password=s3cr3t!;Encrypt=true",
        "s3cr3t!",
    );
    hides(
        "host=db user=app password='two words' port=5432",
        "two words",
    );
    hides(
        "Endpoint=sb://x/;SharedAccessKey=c2VjcmV0;Entity=q",
        "c2VjcmV0",
    );
    keeps("Server=db;User Id=app;Encrypt=true");
}

#[test]
fn named_values() {
    hides("password=hunter2", "hunter2");
    hides("client_secret: abc", "abc");
    hides("GET /?token=abc&page=2", "abc");
    hides("api_key => abc", "abc");
    hides("x-api-key: abc", "abc");
    hides("DB_PASS=abc PORT=1", "abc");
    hides(r#"{"apiKey": "a\"b", "port": 1}"#, r#"a\"b"#);
    hides(r#"body {\"password\":\"abc\",\"user\":\"bob\"}"#, "abc");
    hides("run --password abc --verbose", "abc");
    keeps("FATAL: password authentication failed for user \"app\"");
    keeps("password=undefined, token: null");
    keeps("max_tokens: 4096, token_type=jwt");
    keeps("PWD=/app");
    keeps("SyntaxError: Unexpected token } in JSON at position 5");
    keeps("arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf is missing");
    keeps("usage: run --password --verbose");
    keeps("compass=north");
}

#[test]
fn private_keys() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----";
    hides(&format!("loaded\n{key}\nstarted"), key);
    let escaped = r"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
    hides(&format!("key is {escaped}!"), escaped);
    let no_end = "-----BEGIN EC PRIVATE KEY-----\nMIIE";
    hides(&format!("loaded {no_end}"), no_end);
    let no_beginning = "MIIE\nabc=\n-----END PRIVATE KEY-----";
    hides(&format!("tail of a log:\n{no_beginning}\nok"), no_beginning);
    keeps("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----");
    keeps("-----BEGIN PRIVATE LESSON-----");
}

#[test]
fn tokens_of_github_gitlab_and_slack() {
    let github = format!("ghp_{}", "aB3".repeat(12));
    hides(&format!("cloned with {github}"), &github);
    let fine = format!("github_pat_{}", "a1_".repeat(20));
    hides(&fine, &fine);
    let slack = ["xoxb", "12345678901", "abcdefghijkl"].join("-");
    hides(&format!("slack said no to {slack}"), &slack);
    hides("glpat-abcdefghij0123456789", "glpat-abcdefghij0123456789");
    let hook = "T00000000/B00000000/XXXX";
    hides(&format!("https://hooks.slack.com/services/{hook}"), hook);
    keeps("ghp_short");
    keeps("xoxb-short");
    keeps("https://hooks.slack.com/services/");
}

#[test]
fn an_ordinary_log_is_kept_whole() {
    keeps(
        "2026-11-20T08:15:14.123Z ERROR [main] c.e.App: request 3f2a failed after 12 ms\n\
         \tat com.example.TokenService.refresh(TokenService.java:42)\n\
         Error: connect ECONNREFUSED 10.0.3.17:5432\n\
         image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:9b2f1c\n\
         Schlüssel fehlt: Ümläute bleiben",
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = redact(&text);
    }

    #[test]
    fn no_mixture_of_what_is_looked_for_panics(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "-----BEGIN ", "-----END ", "PRIVATE KEY-----", "://", "@", ":", "=", "\\\"", "\"",
                "password", "--token", " ", "\n", "ä", "Bearer ", "eyJ", ".", "AKIA", "\\", "a1/",
                "authorization", "hooks.slack.com/services/", "[redacted]", "ghp_", "ß",
            ]),
            0..40,
        )
    ) {
        let _ = redact(&parts.concat());
    }

    #[test]
    fn a_password_never_comes_through(password in "[A-Za-z0-9!$%^*+~-]{6,30}", before in "[a-z ]{0,9}") {
        prop_assume!(!["undefined"].contains(&password.to_lowercase().as_str()));
        let value = format!("Zq{password}");
        for text in [
            format!("{before} db_password={value} rest"),
            format!("{{\"password\":\"{value}\"}}"),
            format!("postgres://u:{value}@h/d"),
        ] {
            let shown = redact(&text);
            prop_assert!(!shown.contains(&value), "{shown}");
        }
    }
}

/// A search of all the rest at each place would take minutes for each of these.
#[test]
fn a_long_text_of_beginnings_is_read_in_one_go() {
    for part in [
        "://",
        "://x:y/",
        "pwd=/",
        "-----BEGIN ",
        "-----END ",
        "-----END PRIVATE KEY-----",
        "-",
    ] {
        let text = part.repeat(300_000 / part.len());
        let shown = redact(&text);
        assert_eq!(shown == text, !part.contains("PRIVATE KEY"), "{part}");
    }
    let text = "://x:y/".repeat(1000) + "@host";
    assert_eq!(redact(&text), "://x:[redacted]@host");
}
