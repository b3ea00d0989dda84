using System.Runtime.InteropServices;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// Takes from this process, for good, every system call but those of <see cref="AllowedCalls"/>: seccomp(2). What is not allowed
/// fails with EPERM, so that the runtime goes on without what it only tries.
/// </summary>
public static unsafe class SystemCallFilter
{
    // linux/seccomp.h's struct seccomp_data: number, architecture, instruction pointer, and six arguments of 64 bits.
    private const uint NumberAt = 0;
    private const uint ArchitectureAt = 4;
    private const uint ArgumentsAt = 16;
    private const uint ArgumentLength = 8;
    private const uint UpperHalf = 4;
    private const uint OtherAbi = 0x40000000;   // x32 on x86-64, whose numbers begin there

    private const uint Refuse = OwnCalls.SECCOMP_RET_ERRNO | 1;      // EPERM
    private const uint Unknown = OwnCalls.SECCOMP_RET_ERRNO | 38;    // ENOSYS: glibc then takes the older call

    /// <summary>Applies it to every thread. There is no way back.</summary>
    /// <returns>Why it could not be; null when it is in force.</returns>
    public static string? Apply()
    {
        if (Architecture() is not (uint architecture, bool isX64))
        {
            return $"no filter is known for {RuntimeInformation.ProcessArchitecture}";
        }

        OwnCalls.FilterInstruction[] program = [.. Program(architecture, isX64)];
        if (OwnCalls.Prctl(OwnCalls.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        {
            return $"no_new_privs: {Marshal.GetPInvokeErrorMessage(LibC.errno)}";
        }

        fixed (OwnCalls.FilterInstruction* first = program)
        {
            OwnCalls.FilterProgram filter = new() { Length = (ushort)program.Length, Instructions = first };
            nint number = isX64 ? OwnCalls.SYS_seccomp : OwnCalls.SeccompOnArm64;
            return OwnCalls.Seccomp(number, OwnCalls.SECCOMP_SET_MODE_FILTER, OwnCalls.SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0
                ? null
                : $"seccomp: {Marshal.GetPInvokeErrorMessage(LibC.errno)}";
        }
    }

    private static (uint Architecture, bool IsX64)? Architecture() => RuntimeInformation.ProcessArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => (OwnCalls.AUDIT_ARCH_X86_64, true),
        System.Runtime.InteropServices.Architecture.Arm64 => (OwnCalls.AUDIT_ARCH_AARCH64, false),
        _ => null,
    };

    private static IEnumerable<OwnCalls.FilterInstruction> Program(uint architecture, bool isX64)
    {
        int NumberOf(SystemCall call) => isX64 ? call.X64 : call.Arm64;

        // Another architecture's numbers mean other calls.
        yield return Load(ArchitectureAt);
        yield return Jump(OwnCalls.BPF_JEQ, architecture, 1, 0);
        yield return Return(OwnCalls.SECCOMP_RET_KILL_PROCESS);
        yield return Load(NumberAt);
        yield return Jump(OwnCalls.BPF_JGE, OtherAbi, 0, 1);
        yield return Return(Unknown);
        foreach (SystemCall call in AllowedCalls.Free.Where(call => NumberOf(call) >= 0))
        {
            yield return Jump(OwnCalls.BPF_JEQ, (uint)NumberOf(call), 0, 1);
            yield return Return(OwnCalls.SECCOMP_RET_ALLOW);
        }

        // Of the next ones an argument decides. clone3's lie in memory, where nobody can look: glibc goes on with clone.
        yield return Jump(OwnCalls.BPF_JEQ, (uint)NumberOf(AllowedCalls.Clone3), 0, 1);
        yield return Return(Unknown);
        foreach (OwnCalls.FilterInstruction instruction in Where(NumberOf(AllowedCalls.Clone), 0, Jump(OwnCalls.BPF_JSET, OwnCalls.CLONE_THREAD, 0, 1))
            .Concat(Where(NumberOf(AllowedCalls.Tgkill), 0, Jump(OwnCalls.BPF_JEQ, (uint)Environment.ProcessId, 0, 1)))
            .Concat(Where(NumberOf(AllowedCalls.Ioctl), 1, Jump(OwnCalls.BPF_JEQ, OwnCalls.BLKGETSIZE64, 0, 1)))
            .Concat(OnlyAsking(NumberOf(AllowedCalls.Prlimit))))
        {
            yield return instruction;
        }

        yield return Return(Refuse);
    }

    private static OwnCalls.FilterInstruction[] Where(int number, uint argument, OwnCalls.FilterInstruction condition)
        =>
        [
            Jump(OwnCalls.BPF_JEQ, (uint)number, 0, 4),
            Load(ArgumentsAt + (argument * ArgumentLength)),
            condition,
            Return(OwnCalls.SECCOMP_RET_ALLOW),
            Return(Refuse),
        ];

    // Limits may be read, and not be set: the third argument is then NULL.
    private static OwnCalls.FilterInstruction[] OnlyAsking(int number)
        =>
        [
            Jump(OwnCalls.BPF_JEQ, (uint)number, 0, 6),
            Load(ArgumentsAt + (2 * ArgumentLength)),
            Jump(OwnCalls.BPF_JEQ, 0, 0, 3),
            Load(ArgumentsAt + (2 * ArgumentLength) + UpperHalf),
            Jump(OwnCalls.BPF_JEQ, 0, 0, 1),
            Return(OwnCalls.SECCOMP_RET_ALLOW),
            Return(Refuse),
        ];

    private static OwnCalls.FilterInstruction Load(uint at) => new() { Code = OwnCalls.BPF_LD_W_ABS, Value = at };

    private static OwnCalls.FilterInstruction Jump(ushort test, uint value, byte then, byte otherwise)
        => new() { Code = (ushort)(OwnCalls.BPF_JMP_K | test), Then = then, Otherwise = otherwise, Value = value };

    private static OwnCalls.FilterInstruction Return(uint value) => new() { Code = OwnCalls.BPF_RET_K, Value = value };
}
