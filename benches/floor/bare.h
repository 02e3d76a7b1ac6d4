// What a program without libc needs: its entry point, raw system calls and a few string functions. x86_64
// only.
#pragma once
#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

#define CALL(number, ...) CALL_OF(__VA_ARGS__, 6, 5, 4, 3, 2, 1)(number, __VA_ARGS__)
#define CALL_OF(a, b, c, d, e, f, count, ...) CALL_##count
#define CALL_1(n, a) bare_call(n, (long)(a), 0, 0, 0, 0, 0)
#define CALL_2(n, a, b) bare_call(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL_3(n, a, b, c) bare_call(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL_4(n, a, b, c, d) bare_call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL_5(n, a, b, c, d, e) bare_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL_6(n, a, b, c, d, e, f) bare_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline __attribute__((always_inline)) long bare_call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline __attribute__((noreturn)) void leave(int status) {
    CALL(__NR_exit_group, status);
    __builtin_unreachable();
}

// Exits with a status made from the line number, which locates the failure; nothing is printed.
#define MUST(call)                      \
    ({                                  \
        long must = (call);             \
        if (must < 0)                   \
            leave(100 + __LINE__ % 100); \
        must;                           \
    })

int run(long count, char **words);

__asm__(".globl _start\n"
        "_start:\n"
        "xor %ebp, %ebp\n"
        "mov (%rsp), %rdi\n"
        "lea 8(%rsp), %rsi\n"
        "and $-16, %rsp\n"
        "call run\n"
        "mov %eax, %edi\n"
        "mov $231, %eax\n" // exit_group
        "syscall\n");

static inline int same(const char *left, const char *right) {
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

// Reads decimal digits and skips the character after them.
static inline unsigned long number(const char **at) {
    unsigned long value = 0;
    while (**at >= '0' && **at <= '9')
        value = value * 10 + (unsigned long)(*(*at)++ - '0');
    if (**at)
        (*at)++;
    return value;
}

static inline char *put_number(char *at, unsigned long value) {
    char digits[20];
    int used = 0;
    do {
        digits[used++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (used)
        *at++ = digits[--used];
    return at;
}
