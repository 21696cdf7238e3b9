/* Runs before anything else of qmail-queue, the runtime's own start included, and takes from a setuid program what its
 * caller could steer the runtime with: DOTNET_* and COMPlus_* variables. With DOTNET_DbgEnableMiniDump, for one, the
 * runtime's crash handler starts a program named "createdump" from the directory of argv[0], which the caller chooses.
 * Managed code begins too late for this, and no setting of the runtime turns it off; hence these lines of C. */
#include <string.h>
#include <sys/auxv.h>

static void secure_start(int argc, char **argv, char **envp)
{
    char **to = envp;
    (void)argc;
    (void)argv;
    if (!getauxval(AT_SECURE)) return;
    for (; *envp; envp++)
        if (strncmp(*envp, "DOTNET_", 7) != 0 && strncmp(*envp, "COMPlus_", 8) != 0) *to++ = *envp;
    *to = 0;
}

/* ld.so calls these before every constructor, with main's arguments (gABI, DT_PREINIT_ARRAY). */
__attribute__((section(".preinit_array"), used)) static void (*const start)(int, char **, char **) = secure_start;
