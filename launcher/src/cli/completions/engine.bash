# bash completion for subroot

_subroot() {
    local typed=() indexes=() path='' taking='' options='' valued='' commands='' kind='' choices=''
    local replaced=$2 current last i word
    local -i count=0
    COMPREPLY=()
    _subroot_read_line
    last=$((${#typed[@]} - 1)) current=${typed[last]}
    _subroot_command_table ''
    for ((i = 1; i < last; i++)); do
        word=${typed[i]}
        if [[ $taking ]]; then
            taking=''
        elif [[ $word == -- ]]; then
            # What the last argument takes: a command, if the command line of another program can follow.
            _subroot_value_table "$path 9"
            [[ $kind != command ]] || { _subroot_other_command $((i + 1)); return; }
        elif [[ $word == -?* ]]; then
            _subroot_read_option "$word"
        elif [[ " $commands " == *" $word "* ]]; then
            path+=${path:+ }$word
            _subroot_command_table "$path"
        else
            count+=1
            _subroot_value_table "$path $count"
            [[ $kind != command ]] || { _subroot_other_command "$i"; return; }
        fi
    done
    _subroot_choose_kind
    _subroot_reply
}

# Sets the words before the cursor, each with its index in COMP_WORDS, where = and : are words of their own.
_subroot_read_line() {
    local line=${COMP_LINE:0:COMP_POINT} i word
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            typed+=('') indexes+=("$i")
        fi
        word=${COMP_WORDS[i]}
        word=${word:0:${#line}}
        typed[${#typed[@]} - 1]+=$word
        line=${line#"$word"}
    done
}

# Sets `taking` if the next word is the value of this option, or of the last of these letters.
_subroot_read_option() {
    local name=$1 letters=${1#-}
    if [[ $name == --* ]]; then
        [[ " $valued " != *" $name "* ]] || taking=$name
        return
    fi
    while [[ $letters ]]; do
        name=-${letters:0:1} letters=${letters:1}
        if [[ " $valued " == *" $name "* ]]; then
            [[ $letters ]] || taking=$name
            return
        fi
    done
}

# Sets what the word at the cursor can be.
_subroot_choose_kind() {
    if [[ $taking ]]; then
        _subroot_value_table "$path $taking"
    elif [[ $current == --*=* ]]; then
        _subroot_value_table "$path ${current%%=*}"
        current=${current#*=}
    elif [[ $current == -* ]]; then
        kind=words choices=$options
    elif [[ $commands ]]; then
        kind=words choices=$commands
    else
        _subroot_value_table "$path $((count + 1))"
    fi
}

_subroot_reply() {
    case $kind in
    words) _subroot_offer "$choices" ;;
    keys) _subroot_offer_keys '' ;;
    fields) _subroot_offer_keys "${current%"${current##*,}"}" ;;
    command) _subroot_other_command "$last" ;;
    # readline's own completion, which knows quotes.
    directory) compopt -o dirnames ;;
    path) compopt -o default ;;
    sandbox) _subroot_offer "$(_subroot_sandboxes $choices)" ;;
    image) _subroot_offer "$(_subroot_images)" ;;
    user) _subroot_offer "$(compgen -u)" ;;
    group) _subroot_offer "keep-groups $(compgen -g)" ;;
    variable) _subroot_offer "$(compgen -e)" ;;
    esac
}

# Prints the first column below the heading.
_subroot_sandboxes() {
    local name
    subroot ps "$@" 2>/dev/null | { read -r && while read -r name _; do echo "$name"; done; }
}

# Prints the names in the first two columns, a repository and a tag.
_subroot_images() {
    local repository tag
    subroot images 2>/dev/null | while read -r repository tag _; do
        case $tag in
        TAG | '<none>') ;;
        latest) echo "$repository" ;;
        *) echo "$repository:$tag" ;;
        esac
    done
}

# Offers these words. readline replaces only what follows the last = or :, so the part before it is left out.
_subroot_offer() {
    local IFS=$' \n' word before=${current%"$replaced"}
    for word in $1; do
        [[ $word != "$current"* ]] || COMPREPLY+=("${word#"$before"}")
    done
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *[=:,] ]] || compopt -o nospace
}

# Offers words after what is given, or a path after KEY=.
_subroot_offer_keys() {
    local word words=''
    for word in $choices; do
        words+=" $1$word"
    done
    _subroot_offer "$words"
    [[ ${COMPREPLY[0]-} || ${current#"$1"} != *=* ]] || compopt -o default
}

# Completes the command line of another program, which starts at this word.
_subroot_other_command() {
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "${indexes[$1]}"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "${indexes[$1]}"
    elif (($1 == last)) && [[ $current != */* ]]; then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
    else
        compopt -o default
    fi
}
