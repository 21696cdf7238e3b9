/* Runs before anything else of sendmail, the runtime's own start included. Under a limit on address space that is too
 * low for the runtime (ulimit -v, softlimit -m) the process would end without a word; this says what is wrong, and
 * ends with the exit code for "try again later": nothing was accepted. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void say(const char *text)
{
    (void)!write(2, text, strlen(text));
}

static void memory_floor(int argc, char **argv, char **envp)
{
    struct rlimit limit;
    const char *slash, *name = argc > 0 ? argv[0] : "";
    (void)envp;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= 200L << 20) return;
    slash = strrchr(name, '/');
    if (slash) name = slash + 1;
    if (!*name) name = "sendmail";
    say(name);
    say(": fatal: the limit on this process's memory (ulimit -v) is too low; 204800 kilobytes are needed\n");
    _exit(strcmp(name, "qmail-inject") == 0 || strcmp(name, "mailsubj") == 0 ? 111 : 75);
}

/* ld.so calls these before every constructor, with main's arguments (gABI, DT_PREINIT_ARRAY). */
__attribute__((section(".preinit_array"), used)) static void (*const start)(int, char **, char **) = memory_floor;
