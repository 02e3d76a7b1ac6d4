# fish completion for subroot

# Prints the command before the cursor, the number of its next argument, and, after the start of another program's command line, the
# index of the word where that starts.
function __subroot_read_line
    set -l words (commandline -opc)
    set -l path ''
    set -l count 1
    set -l taking 0
    for i in (seq 2 (count $words))
        set -l word $words[$i]
        if test $taking = 1
            set taking 0
        else if test "$word" = --
            if contains -- "$path" $__subroot_with_command
                printf '%s\n' "$path" $count (math $i + 1)
                return
            end
        else if string match -q -- '-?*' $word
            __subroot_takes_next "$path" $word
            and set taking 1
        else if contains -- "$path $word" $__subroot_commands
            set path (string trim -- "$path $word")
        else if contains -- "$path $count" $__subroot_command_arguments
            printf '%s\n' "$path" $count $i
            return
        else
            set count (math $count + 1)
        end
    end
    printf '%s\n' "$path" $count
end

# True if the next word is the value of this option, or of the last of these letters.
function __subroot_takes_next --argument-names path word
    if string match -q -- '--*' $word
        contains -- "$path $word" $__subroot_valued
        return
    end
    set -l letters (string split '' -- (string sub --start 2 -- $word))
    for i in (seq (count $letters))
        if contains -- "$path -$letters[$i]" $__subroot_valued
            test $i = (count $letters)
            return
        end
    end
    return 1
end

# True where options of this command can be typed.
function __subroot_in --argument-names path
    set -l line (__subroot_read_line)
    test "$line[1]" = "$path"
    and not set -q line[3]
end

# True at this argument: `COMMAND NUMBER`.
function __subroot_at --argument-names argument
    set -l line (__subroot_read_line)
    test "$line[1] $line[2]" = "$argument"
    and not set -q line[3]
end

# True in the command line of another program.
function __subroot_in_other_command
    set -l line (__subroot_read_line)
    set -q line[3]
end

# Completes the command line of another program.
function __subroot_other_command
    set -l line (__subroot_read_line)
    set -l words (commandline -opc)
    set -q line[3]
    and set -e words[1..(math $line[3] - 1)]
    or set words
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

# The value at the cursor, without --OPTION= before it.
function __subroot_value
    commandline -ct | string replace -r -- '^--[a-z0-9-]+=' ''
end

function __subroot_directories
    __fish_complete_directories (__subroot_value)
end

function __subroot_sandboxes
    subroot ps $argv 2>/dev/null | string match -r '^\S+' | tail -n +2
end

# The names in the first two columns, a repository and a tag.
function __subroot_images
    subroot images 2>/dev/null | tail -n +2 | string match -v '*<none>*' | string replace -r '^(\S+) +(\S+).*' '$1:$2' | string replace -r ':latest$' ''
end

# Words, or a path after KEY=.
function __subroot_keys
    printf '%s\n' $argv
    set -l value (__subroot_value)
    set -l key (string match -r -- '^.*=' $value)
    and printf '%s\n' $key(complete -C "subroot-path $(string replace -- $key '' $value)")
end

# Words with commas between.
function __subroot_fields
    set -l before (string match -r -- '^.*,' (__subroot_value))
    __subroot_keys "$before"$argv
end
