#compdef subroot
# zsh completion for subroot

# Words of a closed set. One that ends in =, : or , is only the beginning of a value.
_subroot_words() {
    local -a expl
    local ret=1
    _description values expl value
    compadd "$expl[@]" -- ${@:#*[=:,]} && ret=0
    compadd "$expl[@]" -S '' -- ${(M)@:#*[=:,]} && ret=0
    return ret
}

# Words, or a path after KEY=.
_subroot_keys() {
    local ret=1
    _subroot_words "$@" && ret=0
    compset -P '*=' && _files && ret=0
    return ret
}

# Words with commas between.
_subroot_fields() {
    compset -P '*,'
    compset -S ',*'
    _subroot_keys "$@"
}

_subroot_sandboxes() {
    local -a expl lines options=(${(M)@:#--all})
    lines=(${(f)"$(_call_program sandboxes subroot ps $options 2>/dev/null)"})
    _wanted sandboxes expl sandbox compadd -- ${lines[2,-1]%% *}
}

# The names in the first two columns, a repository and a tag.
_subroot_image_names() {
    local -a expl lines
    lines=(${(f)"$(_call_program images subroot images 2>/dev/null)"})
    lines=(${${${(M)lines[2,-1]:#[^ <]##  ##[^ <]##  *}/  #/:}%% *})
    _wanted images expl image compadd -- ${lines%:latest}
}

# Unlike _directories, which offers files if no directory matches.
_subroot_directories() {
    local -a expl
    _wanted directories expl directory _path_files -/
}

_subroot_group() {
    _alternative 'groups:group:_groups' 'keep:word:(keep-groups)'
}

# The directory that becomes the root; after --, the command instead, which has no directory before it.
_subroot_rootfs() {
    if [[ $words[CURRENT-1] == -- ]]; then
        shift CURRENT-1 words
        CURRENT=1
        _normal
    else
        _subroot_directories
    fi
}

# The command line of another program. _arguments takes the first word after -- for a ROOTFS, if there is none.
_subroot_command() {
    local -i start=$(($#typed - $#words + 1))
    if [[ $typed[start-2] == -- ]]; then
        words=("$typed[start-1]" "$words[@]")
        CURRENT+=1
    fi
    _normal
}
