//! PostgreSQL: installed, started as its own user, queried, stopped, used again in the next run, and
//! recovered after a kill.

use crate::job::{Debian, NO_ROOT};
use crate::running::{Running, assert_all_gone, unique_word};
use subroot_tests::skip;

const FIRST_RUN: &str = "
    read -r version cluster _ < <(pg_lsclusters --no-header)
    pg_ctlcluster $version $cluster start
    ps -o user= -C postgres | sort -u
    su postgres -c 'createuser --createdb worker'
    useradd --create-home worker
    su worker -c 'createdb books'
    su worker -c \"psql -qAt books\" <<'END'
        CREATE TABLE book (id serial PRIMARY KEY, title text NOT NULL);
        INSERT INTO book (title) SELECT 'book ' || n FROM generate_series(1, 1000) AS n;
        SELECT count(*), max(id) FROM book;
        SET max_parallel_workers_per_gather = 2;
        SELECT sum(length(title)) FROM book;
END
    ls -ldn /var/lib/postgresql/$version/$cluster | cut -d' ' -f1
    pg_ctlcluster $version $cluster stop
    pgrep postgres || echo stopped
    /usr/lib/postgresql/$version/bin/pg_controldata /var/lib/postgresql/$version/$cluster | grep 'cluster state'";

/// Commits in a loop until it is killed; reports the first commit.
const KILLED_RUN: &str = "
    service postgresql start >/dev/null
    echo ready
    while :; do su worker -c \"psql -qAt -c 'INSERT INTO book (title) VALUES (1), (2)' books\"; echo committed; done";

const RECOVERY: &str = "
    service postgresql start >/dev/null
    su worker -c \"psql -qAt -c 'SELECT count(*) >= 1002, count(*) % 2 FROM book' books\"
    grep -ho 'automatic recovery in progress' /var/log/postgresql/*.log
    service postgresql stop >/dev/null";

const NEXT_RUN: &str = "
    service postgresql start >/dev/null
    su worker -c \"psql -qAt -c 'SELECT title FROM book WHERE id = 17' books\"
    service postgresql stop >/dev/null";

#[test]
fn a_database_is_installed_asked_stopped_found_again_killed_and_recovered() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let said = debian.install("postgresql");
    assert!(said.contains("Creating new PostgreSQL cluster"), "{said}");
    assert_eq!(
        debian.output(FIRST_RUN),
        "postgres\n1000|1000\n7893\ndrwx------\nstopped\n\
        Database cluster state:               shut down\n"
    );
    assert_eq!(debian.output(NEXT_RUN), "book 17\n");
    let word = unique_word();
    let mut running = Running::new(&mut debian.run(&["bash", "-c", KILLED_RUN, &word]));
    assert_eq!(running.line(), "committed");
    running.signal(9);
    assert_eq!(running.end().code(), 137);
    assert_all_gone(&word);
    assert_eq!(debian.output(RECOVERY), "t|0\nautomatic recovery in progress\n");
}
