//! Who listens on a port, from `/proc`: for an error message, so every doubt is `None`.

use std::fs;
use std::path::Path;

/// `name (process 1234)`, where the system tells.
pub fn find(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listeners(&table, port))
        .collect();
    let sockets: Vec<String> = inodes
        .iter()
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let id = process.file_name().to_str()?.parse::<u32>().ok()?;
        holds(&process.path(), &sockets).then(|| named(&process.path(), id))
    })
}

/// Inodes of the sockets that listen on a port, from a table as in `/proc/net/tcp`: the second
/// field is the local address (`0100007F:1F90`), the fourth the state (`0A` listens), the tenth the
/// inode.
fn listeners(table: &str, port: u16) -> Vec<String> {
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, found) = fields.get(1)?.rsplit_once(':')?;
        let found = u16::from_str_radix(found, 16).ok()?;
        let listens = fields.get(3) == Some(&"0A") && found == port;
        listens.then(|| fields.get(9).map(|inode| inode.to_string()))?
    };
    table.lines().skip(1).filter_map(inode).collect()
}

/// Whether a process has one of the sockets open.
fn holds(process: &Path, sockets: &[String]) -> bool {
    let Ok(open) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    open.flatten().any(|file| {
        let target = fs::read_link(file.path()).unwrap_or_default();
        sockets
            .iter()
            .any(|socket| target.as_os_str() == socket.as_str())
    })
}

fn named(process: &Path, id: u32) -> String {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    match name.trim() {
        "" => format!("process {id}"),
        name => format!("{name} (process {id})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_found_by_port_and_state() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 4242 1\n\
             1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000 1000 0 5151 1\n\
             2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 17 1\n\
             torn line\n";
        assert_eq!(listeners(table, 8080), ["4242"]);
        assert_eq!(listeners(table, 22), ["17"]);
        assert!(listeners(table, 80).is_empty());
        assert!(listeners("", 80).is_empty());
    }
}
