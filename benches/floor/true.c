// The command of a launch: nothing at all.
#include "bare.h"

int run(long count, char **words) {
    (void)count, (void)words;
    return 0;
}
