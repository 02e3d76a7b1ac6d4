# shellcheck shell=bash disable=SC2034 # used by the scripts that source this
# What the four stages share: the settings, and the job's identity.
set -Eeuo pipefail
export LC_ALL=C

# Ends the stage in a way that the runner takes for a system failure, not a failure of the job.
system_failure() {
    printf 'subroot: %s\n' "$*" >&2
    exit "$SYSTEM_FAILURE_EXIT_CODE"
}
trap 'system_failure "$0, line $LINENO: a command failed"' ERR

# Takes a number from the runner's own copy of the job: the author of .gitlab-ci.yml can set every CUSTOM_ENV
# variable, even CI_JOB_ID.
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
