//! Locks, named pipes, sockets and shared memory between processes.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

#[test]
fn locks_are_held_and_waited_for() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"exec 9>/tmp/lock; flock 9
        flock --nonblock /tmp/lock true || echo held
        flock --close /tmp/lock echo waited for >/tmp/second 9>&- &
        sleep 0.2; cat /tmp/second; echo released; flock --unlock 9; wait; cat /tmp/second
        for n in $(seq 40); do
            flock /tmp/counter sh -c 'n=$(cat /tmp/count 2>/dev/null || echo 0); echo $((n + 1)) >/tmp/count' 9>&- &
        done
        wait; cat /tmp/count
        python3 -c 'import fcntl; fcntl.lockf(open("/tmp/posix", "w"), fcntl.LOCK_EX | fcntl.LOCK_NB); print("locked")'"#,
    );
    assert_eq!(seen, "held\nreleased\nwaited for\n40\nlocked\n");
}

#[test]
fn a_lock_is_seen_by_other_runs_of_the_same_root() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let mut holder = crate::running::Running::new(
        debian
            .script("exec 9>/tmp/lock; flock 9; echo ready; read -r wait")
            .stdin(std::process::Stdio::piped()),
    );
    assert_eq!(debian.outcome("flock --nonblock --conflict-exit-code 9 /tmp/lock true").code(), 9);
    drop(holder.input());
    holder.end();
    assert_eq!(debian.output("flock --nonblock /tmp/lock echo free"), "free\n");
}

#[test]
fn pipes_sockets_and_shared_memory_join_processes_of_two_users() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"useradd worker
        mkfifo -m 666 /tmp/fifo; su worker -c 'echo through a fifo >/tmp/fifo' & cat /tmp/fifo; wait
        cat >/tmp/server.py <<'END'
import os, pwd, socket, struct
server = socket.socket(socket.AF_UNIX); server.bind("/run/service"); os.chmod("/run/service", 0o666); server.listen()
print("listening", flush=True)
client, _ = server.accept()
pid, uid, gid = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
message, descriptors, _, _ = socket.recv_fds(client, 100, 1)
print(message.decode(), "from", pwd.getpwuid(uid).pw_name, "with", os.read(descriptors[0], 100).decode().strip())
END
        python3 /tmp/server.py >/tmp/said &
        until grep -q listening /tmp/said 2>/dev/null; do sleep 0.05; done
        su worker -c "python3 -c '
import os, socket
client = socket.socket(socket.AF_UNIX); client.connect(\"/run/service\")
socket.send_fds(client, [b\"a message\"], [os.open(\"/etc/debian_version\", os.O_RDONLY)])'"
        wait; tail -n 1 /tmp/said | sed "s/$(cat /etc/debian_version)/a file/"
        cat >/tmp/memory.py <<'END'
from multiprocessing import Process, shared_memory, Semaphore
def fill(name):
    memory = shared_memory.SharedMemory(name=name); memory.buf[:5] = b"hello"; memory.close()
memory = shared_memory.SharedMemory(create=True, size=5)
worker = Process(target=fill, args=(memory.name,)); worker.start(); worker.join()
print(bytes(memory.buf[:5]).decode()); memory.close(); memory.unlink()
END
        su worker -c 'python3 /tmp/memory.py'
        ipcmk --shmem 4096 >/dev/null; ipcs --shmems | grep -c root; ls /dev/shm | wc -l"#,
    );
    assert_eq!(seen, "through a fifo\na message from worker with a file\nhello\n1\n0\n");
}
