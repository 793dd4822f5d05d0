//! Who makes a call: the function whose process opened the connection.
//!
//! Without IAM enforcement every function calls with the account's own
//! credentials, so what is sent names nobody. On Linux the kernel knows: a
//! connection has an owner, and a function's process has its name in its
//! environment. Elsewhere callers stay unnamed.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::{fs, io};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// Who makes a call, as far as it can be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The Lambda function's name; nothing for a person's tool.
    pub function: Option<String>,
    /// The process that opened the connection.
    pub process_id: Option<i32>,
    /// The `User-Agent` it sent.
    pub user_agent: Option<String>,
}

impl Caller {
    /// Kills the process that made the call, if it is a function's.
    pub(crate) fn kill(&self) {
        let process = self.process_id.filter(|_| self.function.is_some());
        if let Some(process) = process.and_then(Pid::from_raw) {
            // One that ended by itself meanwhile is as good as killed.
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

/// Finds the owner of a connection on loopback among the processes of one group.
///
/// `peer` is the caller's end, `own` ours. Reads `/proc`: some milliseconds, once
/// a connection.
pub(crate) fn find(peer: SocketAddr, own: SocketAddr, process_group: Option<i32>) -> Caller {
    let found = process_group.and_then(|group| {
        let inode = socket_inode(Path::new("/proc/net/tcp"), peer, own)?;
        owner(Path::new("/proc"), &inode, group)
    });
    let Some(process_id) = found else {
        return Caller::default();
    };
    Caller {
        function: function_name(Path::new("/proc"), process_id),
        process_id: Some(process_id),
        user_agent: None,
    }
}

/// Looks a connection up in the kernel's table of sockets, by both its ends: a port
/// is used again for another connection while an old one lingers.
/// <https://docs.kernel.org/networking/proc_net_tcp.html>
fn socket_inode(table: &Path, peer: SocketAddr, own: SocketAddr) -> Option<String> {
    let (peer, own) = (table_entry(peer)?, table_entry(own)?);
    let table = fs::read_to_string(table).ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = *fields.get(1)? == peer && *fields.get(2)? == own;
        let inode = fields.get(9).map(|inode| (*inode).to_owned());
        is_it.then_some(inode).flatten()
    })
}

/// An address as the table prints it: the machine's own 32-bit number, and the port.
fn table_entry(address: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = address.ip() else {
        return None;
    };
    let ip = u32::from_ne_bytes(ip.octets());
    Some(format!("{ip:08X}:{:04X}", address.port()))
}

/// Finds the process of a group that holds a socket open.
fn owner(proc: &Path, inode: &str, process_group: i32) -> Option<i32> {
    let socket = format!("socket:[{inode}]");
    let processes = fs::read_dir(proc).ok()?;
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process_id| group_of(proc, *process_id) == Some(process_group))
        .find(|process_id| holds(proc, *process_id, &socket).unwrap_or(false))
}

/// The process group, the fifth field of `stat`; the second, a name in
/// parentheses, may hold blanks.
fn group_of(proc: &Path, process_id: i32) -> Option<i32> {
    let stat = fs::read_to_string(proc.join(process_id.to_string()).join("stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(2)?.parse().ok()
}

fn holds(proc: &Path, process_id: i32, socket: &str) -> io::Result<bool> {
    let descriptors = fs::read_dir(proc.join(process_id.to_string()).join("fd"))?;
    Ok(descriptors
        .flatten()
        .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == socket)))
}

fn function_name(proc: &Path, process_id: i32) -> Option<String> {
    let environment = fs::read(proc.join(process_id.to_string()).join("environ")).ok()?;
    environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME="))
        .map(|name| String::from_utf8_lossy(name).into_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_connection_is_traced_to_the_process_that_opened_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let own_process = i32::try_from(std::process::id()).unwrap();
        let own_group = group_of(Path::new("/proc"), own_process);

        let caller = find(
            stream.local_addr().unwrap(),
            stream.peer_addr().unwrap(),
            own_group,
        );

        assert_eq!(caller.process_id, Some(own_process));
        assert_eq!(caller.function, None);
    }

    #[test]
    fn only_a_function_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let mut caller = Caller {
            process_id: i32::try_from(child.id()).ok(),
            ..Caller::default()
        };
        caller.kill();
        assert_eq!(child.try_wait().unwrap(), None);
        caller.function = Some("rollout".to_owned());
        caller.kill();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn a_stranger_to_the_process_group_stays_unnamed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(
            find(
                stream.local_addr().unwrap(),
                stream.peer_addr().unwrap(),
                Some(1)
            ),
            Caller::default()
        );
    }
}
