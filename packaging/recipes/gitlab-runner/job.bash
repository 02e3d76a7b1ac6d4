# shellcheck shell=bash disable=SC2034 # for those who read it
# What the four stages share: the settings, and which job this is.
set -Eeuo pipefail
export LC_ALL=C

# Ends the stage in a way that the runner takes for a failure of its own, not of the job.
system_failure() {
    printf 'subroot: %s\n' "$*" >&2
    exit "$SYSTEM_FAILURE_EXIT_CODE"
}
trap 'system_failure "$0, line $LINENO: a command failed"' ERR

# A number of the runner's own copy of the job: whoever writes .gitlab-ci.yml can set every CUSTOM_ENV variable, CI_JOB_ID too.
number_of_job() {
    local number
    number=$(jq --raw-output "$1" "${JOB_RESPONSE_FILE-}") || system_failure "JOB_RESPONSE_FILE can't be read"
    [[ $number =~ ^[0-9]+$ ]] || system_failure "JOB_RESPONSE_FILE has no number $1"
    echo "$number"
}

# shellcheck source-path=SCRIPTDIR source=settings
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/settings"
id=$(number_of_job .id)
name=job-$id
job=$JOBS/$id
