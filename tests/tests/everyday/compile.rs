//! C code is compiled, linked and run, with make and several jobs at once; perl, python and the shell work as
//! everywhere.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

#[test]
fn make_builds_a_program_of_many_files_with_four_jobs() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"mkdir /srv/project; cd /srv/project
        for n in $(seq 24); do echo "int part$n(void) { return $n; }" >part$n.c; done
        { for n in $(seq 24); do echo "int part$n(void);"; done
          printf '#include <stdio.h>\nint main(void) { printf("%%d\\n", 0'
          for n in $(seq 24); do printf ' + part%s()' $n; done
          echo '); return 0; }'; } >main.c
        cat >Makefile <<'END'
parts = $(patsubst %.c,%.o,$(wildcard part*.c))
all: static shared
static: main.o libparts.a
	$(CC) -static -o $@ $^
libparts.a: $(parts)
	$(AR) rcs $@ $^
libparts.so: $(parts)
	$(CC) -shared -o $@ $^
shared: main.o libparts.so
	$(CC) -o $@ main.o -L. -lparts -Wl,-rpath,'$$ORIGIN'
%.o: %.c
	$(CC) -O1 -fPIC -c -o $@ $<
END
        make --silent -j4
        ./static; ./shared
        make -j4 | grep -c 'Nothing to be done'
        touch part7.c; make -j4 | grep -c -- '-c -o'
        strip static; ./static"#,
    );
    assert_eq!(seen, "300\n300\n1\n1\n300\n");
}

#[test]
fn threads_and_exceptions_of_a_program_in_cxx_work() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"cat >/tmp/program.cc <<'END'
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>
#include <atomic>
int main() {
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int n = 1; n <= 64; n++) threads.emplace_back([&sum, n] { sum += n; });
    for (auto &thread : threads) thread.join();
    try { throw std::runtime_error("thrown"); }
    catch (const std::exception &error) { std::cout << sum << " " << error.what() << std::endl; }
}
END
        g++ -O1 -pthread -o /tmp/program /tmp/program.cc
        /tmp/program"#,
    );
    assert_eq!(seen, "2080 thrown\n");
}

#[test]
fn a_process_is_traced_and_its_leaks_are_found() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"cd /tmp; useradd worker
        cat >trace.c <<'END'
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int status, stops = 0;
    pid_t child = fork();
    if (child == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); execlp("true", "true", NULL); _exit(1); }
    while (waitpid(child, &status, 0) == child && !WIFEXITED(status)) { stops++; ptrace(PTRACE_SYSCALL, child, 0, 0); }
    printf("%s\n", stops > 20 ? "traced" : "not traced");
    return WEXITSTATUS(status);
}
END
        echo 'int main(int count, char **words) { char *leak = __builtin_malloc(10); leak[0] = 0; leak = 0; return 0; }' >leak.c
        gcc -o trace trace.c; gcc -g -fsanitize=address -o leak leak.c
        for user in root worker; do
            su $user -c /tmp/trace
            { su $user -c /tmp/leak 2>&1 || true; } | grep -o 'SUMMARY.*'
        done"#,
    );
    let each = "traced\nSUMMARY: AddressSanitizer: 10 byte(s) leaked in 1 allocation(s).\n";
    assert_eq!(seen, each.repeat(2));
}

#[test]
fn interpreters_and_locales_are_as_everywhere() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"python3 -c 'from multiprocessing import Pool
with Pool(4) as pool: print(sum(pool.map(abs, range(-100, 1))))'
        perl -MPOSIX -MFile::Temp=tempfile -e 'my ($file, $name) = tempfile(); print -e $name ? "made" : "none", "\n"; print +(getpwuid $<)[0], "\n"'
        export LANG=C.UTF-8
        locale | head -n 1; locale charmap
        python3 -c 'print(len("zwölf"), "zwölf".upper())'
        printf '%s\n' ä b a | sort | tr -d '\n'; echo
        node -e 'console.log(require("os").cpus().length > 0, process.getuid())'
        date -d @0 -u +%F; TZ=Europe/Berlin date -d @0 +%R"#,
    );
    let expected = "5050\nmade\nroot\nLANG=C.UTF-8\nUTF-8\n5 ZWÖLF\nabä\ntrue 0\n1970-01-01\n";
    assert!(seen.starts_with(expected), "{seen}");
}
