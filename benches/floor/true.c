// The command of a launch: does nothing.
#include "bare.h"

int run(long count, char **words) {
    (void)count, (void)words;
    return 0;
}
