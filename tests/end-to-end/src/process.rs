//! Programs that are run to their end, or ended with all they started.

use std::io;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, Command};

/// Runs a program and hands on each line it writes to its standard output, and to
/// its standard error where that is piped.
///
/// Should the future be dropped, the program and all it started are killed.
pub(crate) async fn run(
    command: &mut Command,
    mut on_line: impl FnMut(&str),
) -> io::Result<ExitStatus> {
    // A group of its own, so that what the program starts can be ended with it.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);
    let mut group = Group {
        child: command.spawn()?,
    };
    let mut output = lines(group.child.stdout.take());
    let mut errors = lines(group.child.stderr.take());
    while output.is_some() || errors.is_some() {
        let (line, is_output) = tokio::select! {
            line = next(&mut output), if output.is_some() => (line?, true),
            line = next(&mut errors), if errors.is_some() => (line?, false),
        };
        match line {
            Some(line) => on_line(&line),
            None if is_output => output = None,
            None => errors = None,
        }
    }
    group.child.wait().await
}

struct Group {
    child: Child,
}

impl Drop for Group {
    fn drop(&mut self) {
        // No id: it has ended and was waited for, so its number is no longer ours.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

type Source = Option<Lines<BufReader<Box<dyn AsyncRead + Send + Unpin>>>>;

fn lines(stream: Option<impl AsyncRead + Send + Unpin + 'static>) -> Source {
    let stream = stream.map(|stream| -> Box<dyn AsyncRead + Send + Unpin> { Box::new(stream) });
    stream.map(|stream| BufReader::new(stream).lines())
}

async fn next(source: &mut Source) -> io::Result<Option<String>> {
    match source {
        Some(lines) => lines.next_line().await,
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn each_line_of_both_streams_is_handed_on() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo one; echo two >&2; exit 3"])
            .stderr(Stdio::piped());
        let status = run(&mut command, |line| seen.push(line.to_owned())).await;
        seen.sort();
        assert_eq!(seen, ["one", "two"]);
        assert_eq!(status.unwrap().code(), Some(3));
    }

    #[tokio::test]
    async fn what_a_dropped_program_started_ends_with_it() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let mut command = Command::new("sh");
        // The second process says its id, and would live for a minute.
        command.args(["-c", "sh -c 'echo $$; sleep 60' & wait"]);
        let running = tokio::spawn(async move {
            run(&mut command, |line| drop(sender.send(line.to_owned()))).await
        });
        let id = receiver.recv().await.unwrap().parse().unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        let id = Pid::from_raw(id).unwrap();
        let gone = crate::wait("the end", Duration::from_secs(30), async || {
            Ok::<_, crate::WaitError>(match has_ended(id) {
                true => crate::Seen::Reached(()),
                false => crate::Seen::NotYet("alive".to_owned()),
            })
        });
        gone.await.unwrap();
    }
    /// Nobody knows when the machine's first process gets round to burying it.
    fn has_ended(id: Pid) -> bool {
        let stat = format!("/proc/{}/stat", id.as_raw_nonzero());
        let is_zombie = fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") Z "));
        is_zombie || rustix::process::test_kill_process(id).is_err()
    }
}
