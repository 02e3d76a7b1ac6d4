//! Slurm: jobs, arrays and steps of an ordinary user in a root that all nodes share, on a real cluster of
//! four nodes.

mod cluster;
mod nodes;

use cluster::{Cluster, NODES};
use nodes::Nodes;
use std::collections::BTreeSet;
use std::fs;
use subroot_tests::running::{assert_all_gone, unique_word};
use subroot_tests::skip;

const NO_SLURM: &str = "Slurm or munge are not installed: packaging/test does it";
const RECIPE: &str = include_str!("../../../../packaging/recipes/slurm/README.md");
const TASKS: usize = 200;

#[test]
fn the_status_of_the_command_is_the_tasks() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    for (command, job, step) in [
        ("true", "COMPLETED 0:0", 0),
        ("sh -c \"exit 7\"", "FAILED 7:0", 7),
        ("/etc/passwd", "FAILED 126:0", 126),
        ("no-such-command", "FAILED 127:0", 127),
        ("sh -c 'kill -9 $$'", "FAILED 137:0", 137),
    ] {
        let id = cluster.submit(&format!("--array=0 array.sbatch {command}"));
        assert_eq!(cluster.ends(&id), [job], "{command}");
        let outcome = cluster.shell(&format!("srun subroot run ./rootfs -- {command}"));
        assert_eq!(outcome.code(), step, "{command}: {outcome:?}");
    }
}

#[test]
fn an_array_of_two_hundred_tasks_shares_a_root_and_leaves_nothing() {
    let Some(cluster) = Cluster::alone() else { skip!("{NO_SLURM}") };
    let before = Nodes::at_rest(&cluster);
    let task = "
        echo $SLURM_ARRAY_TASK_ID >/root/mine; mkdir /new; (setsid sleep 1000 >/dev/null 2>&1 &)
        echo $(cat /root/mine) $(ls /root) $SLURMD_NODENAME
        echo done >result-$SLURM_ARRAY_TASK_ID";
    cluster.host.write("/home/alice/task", task);
    let id = cluster.submit("array.sbatch sh ./task");
    assert_eq!(cluster.ends(&id), vec!["COMPLETED 0:0"; TASKS]);
    let mut nodes = BTreeSet::new();
    for task in 0..TASKS {
        let read = |name: String| fs::read_to_string(cluster.alice.home.join(name)).unwrap_or_default();
        let printed = read(format!("out-{task}.txt"));
        let node = printed.strip_prefix(&format!("{task} mine "));
        nodes.insert(node.unwrap_or_else(|| panic!("{task}: {printed}")).to_owned());
        assert_eq!(read(format!("result-{task}")), "done\n");
    }
    assert_eq!(nodes.len(), NODES, "{nodes:?}");
    before.assert_unchanged(&cluster);
}

#[test]
fn a_cancelled_command_may_save_and_end_by_itself() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    let task = "
        trap 'sleep 1; echo saved $SLURM_JOB_ID >>saved; exit 0' TERM
        echo ready $SLURM_JOB_ID >>ready
        while :; do sleep 0.1; done";
    cluster.host.write("/home/alice/task", task);
    let word = unique_word();
    let step = "srun subroot run --env \"SLURM*\" --volume .:/work --workdir /work rootfs -- sh task";
    for job in [format!("--array=0 array.sbatch sh ./task {word}"), format!("--wrap '{step} {word}'")] {
        let id = cluster.submit(&job);
        cluster.wait_for("ready", &id);
        cluster.shell(&format!("scancel {id}")).ok();
        cluster.wait_for("saved", &id);
        let ends = cluster.ends(&id);
        assert!(ends.len() == 1 && ends[0].starts_with("CANCELLED"), "{ends:?}");
        assert_all_gone(&word);
    }
}

#[test]
fn changes_on_a_disk_of_the_node_are_removed_with_the_task() {
    let Some(cluster) = Cluster::alone() else { skip!("{NO_SLURM}") };
    let before = Nodes::at_rest(&cluster);
    let task = "
        trap 'exit 9' TERM
        mkdir /new; chown 7:7 /new; echo ready >>ready
        [ $SLURM_ARRAY_TASK_ID = 0 ] && exit 5
        while :; do sleep 0.1; done";
    cluster.host.write("/home/alice/task", task);
    let id = cluster.submit("--array=0,1 scratch.sbatch sh ./task");
    cluster.wait_for("ready", "ready\nready\n");
    // The first task's directory may be removed at any moment.
    assert!(cluster.shell("ls /tmp").ok().contains("subroot."));
    cluster.shell(&format!("scancel {id}_1")).ok();
    let mut ends = cluster.ends(&id);
    ends.sort();
    assert_eq!(ends, ["CANCELLED 9:0", "FAILED 5:0"]);
    before.assert_unchanged(&cluster);
}

#[test]
fn what_ignores_its_cancellation_is_killed_and_leaves_nothing() {
    let Some(cluster) = Cluster::alone() else { skip!("{NO_SLURM}") };
    let before = Nodes::at_rest(&cluster);
    let word = unique_word();
    let task = "
        trap 'sleep 1; echo ignored >ignored' TERM
        (setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.1; done' $1 &)
        echo ready >ready
        while :; do sleep 0.1; done";
    cluster.host.write("/home/alice/task", task);
    let id = cluster.submit(&format!("--array=0 array.sbatch sh ./task {word}"));
    cluster.wait_for("ready", "ready");
    cluster.shell(&format!("scancel {id}")).ok();
    cluster.wait_for("ignored", "ignored");
    let ends = cluster.ends(&id);
    assert!(ends.len() == 1 && ends[0].starts_with("CANCELLED"), "{ends:?}");
    assert_all_gone(&word);
    before.assert_unchanged(&cluster);
}

#[test]
fn a_signal_to_the_batch_script_reaches_the_command_once() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    let task = "
        trap 'echo saving >>saved' USR1
        echo ready >ready; until [ -e saved ]; do sleep 0.1; done; sleep 0.5; exit 3";
    cluster.host.write("/home/alice/task", task);
    let id = cluster.submit("--array=0 array.sbatch sh ./task");
    cluster.wait_for("ready", "ready");
    // The signal that --signal=B:USR1@300 sends before a time limit.
    cluster.shell(&format!("scancel --batch --signal=USR1 {id}")).ok();
    assert_eq!(cluster.ends(&id), ["FAILED 3:0"]);
    assert_eq!(fs::read_to_string("/home/alice/saved").expect("what is saved"), "saving\n");
}

#[test]
fn a_shell_on_a_node_has_a_terminal() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    let task =
        "tty; echo ready >ready; read -r line; echo $line on $SLURMD_NODENAME; echo ended >ended; exit 6";
    cluster.host.write("/home/alice/task", task);
    cluster.host.write("/home/alice/shell", format!("{} -- sh ./task", line_of_the_recipe("--pty")));
    let outcome = cluster.shell(
        "until_there() { until [ -e $1 ]; do sleep 0.1; done; }
        { until_there ready; echo typed; until_there ended; } | script -q -e -c 'sh ./shell' /dev/null",
    );
    assert_eq!(outcome.code(), 6, "{outcome:?}");
    assert!(outcome.stdout.contains("typed on n1") && outcome.stdout.contains("/dev/"), "{outcome:?}");
}

#[test]
fn a_step_has_its_tasks_on_several_nodes() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    let seen = cluster.shell(&srun("sh -c 'echo $SLURM_PROCID of $SLURM_NTASKS on $SLURMD_NODENAME: $PWD'"));
    let mut tasks: Vec<String> = seen.ok().lines().map(str::to_owned).collect();
    tasks.sort();
    let expected: Vec<String> = [(0, 1), (1, 1), (2, 2), (3, 2)]
        .map(|(task, node)| format!("{task} of 4 on n{node}: /home/alice"))
        .into();
    assert_eq!(tasks, expected);
}

#[test]
fn steps_of_two_tasks_run_within_a_job() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    let steps = "srun --ntasks=2 subroot run --env \"SLURM*\" rootfs -- \
        sh -c \"echo \\$SLURM_STEP_ID.\\$SLURM_PROCID; exit \\$SLURM_STEP_ID\" || exit 40";
    let id = cluster.submit(&format!("--ntasks=2 --output=steps --wrap '{steps}; {steps}'"));
    assert_eq!(cluster.ends(&id), ["FAILED 40:0"]);
    let printed = fs::read_to_string("/home/alice/steps").expect("what the steps print");
    let mut steps: Vec<&str> = printed.lines().filter(|line| line.len() == 3).collect();
    steps.sort_unstable();
    assert_eq!(steps, ["0.0", "0.1", "1.0", "1.1"], "{printed}");
}

#[test]
fn a_task_that_fails_ends_the_others_of_its_step() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    let word = unique_word();
    let command = format!("sh -c '[ $SLURM_PROCID = 2 ] && exit 3; exec sleep {word}'");
    let outcome = cluster.shell(&srun(&command));
    assert!(outcome.code() == 3 || outcome.code() == 143, "{outcome:?}");
    assert!(outcome.stderr.contains("task 2: Exited with exit code 3"), "{outcome:?}");
    assert_all_gone(&word);
}

#[test]
fn a_user_without_grants_has_the_own_id_and_gets_more_on_all_nodes_by_one_rule() {
    let Some(cluster) = Cluster::new() else { skip!("{NO_SLURM}") };
    let carol = cluster.host.user("carol");
    let command = "srun --nodes=4 --quiet subroot --quiet run --overlay $ROOTFS -- cat /proc/self/uid_map";
    let own_id = "0 1002 1\n";
    let seen = |command: &str| {
        let map = cluster.shell_of(&carol, command).ok();
        map.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n")
            .collect::<Vec<_>>()
    };
    assert_eq!(seen(command), vec![own_id; NODES]);
    cluster.host.configure_mapper(&format!("{}\n", rule_of_the_recipe()));
    let mut maps = seen(command);
    maps.sort();
    let all = ["1 1004002 2000\n", "65534 1006002 1\n"];
    let mut expected: Vec<&str> = [vec![own_id; NODES], vec![all[0]; NODES], vec![all[1]; NODES]].concat();
    expected.sort_unstable();
    assert_eq!(maps, expected);
    let told = cluster.shell_of(&carol, line_of_the_recipe("idmap")).ok();
    assert_eq!(
        told.matches("uid     1004002       2001  /etc/subroot/mapper.conf: granted").count(),
        NODES,
        "{told}"
    );
}

/// The recipe's line for a step, in a job of four tasks on two nodes.
fn srun(command: &str) -> String {
    line_of_the_recipe("--ntasks-per-node").replace("./step", command)
}

/// The line for mapper.conf in the recipe's README.
fn rule_of_the_recipe() -> &'static str {
    let words = RECIPE.split('`');
    words.into_iter().find(|word| word.starts_with("computed-grants")).expect("a rule in the recipe")
}

/// The line of the recipe's README with this option of srun.
fn line_of_the_recipe(word: &str) -> &'static str {
    let line = RECIPE.lines().find(|line| line.starts_with("srun ") && line.contains(word));
    line.expect("a line of srun's in the recipe")
}
