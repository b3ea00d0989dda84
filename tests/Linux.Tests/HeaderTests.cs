using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>What we say of the kernel and of libc beside the C headers: this machine's, and by Debian's cross-compiler those of arm64.</summary>
public partial class HeaderTests
{
    private const string Ours = "gcc";
    private const string Cross = "aarch64-linux-gnu-gcc";

    [Theory]
    [InlineData(Ours)]
    [InlineData(Cross)]
    public async Task Our_own_constants_are_those_of_the_C_headers(string compiler)
    {
        IEnumerable<string> constants = typeof(OwnCalls).GetFields(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(field => field.IsLiteral)
            .Select(field => $"_Static_assert({field.Name} == {field.GetRawConstantValue()}, \"{field.Name}\");");

        await CompileAsync(compiler, constants);
    }

    [Theory]
    [InlineData(Ours)]
    [InlineData(Cross)]
    public async Task Our_own_structs_have_room_for_those_of_the_C_headers(string compiler)
        => await CompileAsync(compiler,
        [
            $"_Static_assert(sizeof(posix_spawn_file_actions_t) <= {ChildProcess.OpaqueSize}, \"actions\");",
            $"_Static_assert(sizeof(posix_spawnattr_t) <= {ChildProcess.OpaqueSize}, \"attributes\");",
            "_Static_assert(sizeof(struct iovec) == 16, \"iovec\");",
            "_Static_assert(sizeof(struct rlimit) == 16, \"rlimit\");",
            "_Static_assert(sizeof(struct ucred) == 12, \"ucred\");",
            "_Static_assert(sizeof(struct sock_filter) == 8 && offsetof(struct sock_filter, k) == 4 && sizeof(struct sock_fprog) == 16, \"filter\");",
            $"_Static_assert((BPF_LD | BPF_W | BPF_ABS) == {OwnCalls.BPF_LD_W_ABS} && (BPF_JMP | BPF_K) == {OwnCalls.BPF_JMP_K} && (BPF_RET | BPF_K) == {OwnCalls.BPF_RET_K}, \"bpf\");",
            "_Static_assert(offsetof(struct seccomp_data, arch) == 4 && offsetof(struct seccomp_data, args) == 16, \"seccomp_data\");",
            "_Static_assert(sizeof(struct open_how) == 24 && offsetof(struct open_how, resolve) == 16, \"open_how\");",
            "_Static_assert(sizeof(struct nvme_passthru_cmd) == 72 && offsetof(struct nvme_passthru_cmd, addr) == 24 && offsetof(struct nvme_passthru_cmd, data_len) == 36 && offsetof(struct nvme_passthru_cmd, timeout_ms) == 64, \"nvme\");",
            "_Static_assert(sizeof(struct sg_io_hdr) == 88 && offsetof(struct sg_io_hdr, cmdp) == 24 && offsetof(struct sg_io_hdr, status) == 64 && offsetof(struct sg_io_hdr, host_status) == 68, \"sg\");",
            "_Static_assert(sizeof(struct statfs) <= 128 && offsetof(struct statfs, f_bsize) == 8 && offsetof(struct statfs, f_bavail) == 32 && offsetof(struct statfs, f_ffree) == 48, \"statfs\");",
            "_Static_assert(sizeof(struct loop_info64) == 232 && offsetof(struct loop_info64, lo_inode) == 8 && offsetof(struct loop_info64, lo_flags) == 52, \"loop_info64\");",
            "_Static_assert(sizeof(struct loop_config) == 304 && offsetof(struct loop_config, block_size) == 4 && offsetof(struct loop_config, info) == 8, \"loop_config\");",
            "_Static_assert(sizeof(struct fiemap) == 32 && offsetof(struct fiemap, fm_length) == 8 && offsetof(struct fiemap, fm_flags) == 16 && offsetof(struct fiemap, fm_mapped_extents) == 20 && offsetof(struct fiemap, fm_extent_count) == 24, \"fiemap\");",
            "_Static_assert(sizeof(struct fiemap_extent) == 56 && offsetof(struct fiemap_extent, fe_length) == 16 && offsetof(struct fiemap_extent, fe_flags) == 40, \"fiemap_extent\");",
            "_Static_assert(sizeof(struct fstrim_range) == 24 && offsetof(struct fstrim_range, len) == 8, \"fstrim\");",
        ]);

    // The package has an assembly for each architecture, and a program takes the one of that which it is published for.
    [Theory]
    [InlineData(Ours)]
    [InlineData(Cross)]
    public async Task What_we_take_from_Tmds_LibC_is_as_the_C_headers_have_it(string compiler)
    {
        string architecture = compiler == Cross || RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";
        AssemblyLoadContext context = new(architecture);
        Assembly library = context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "runtimes", architecture, "lib/netstandard2.0/Tmds.LibC.dll"));
        Type constants = library.GetType("Tmds.Linux.LibC", throwOnError: true)!;
        string[] used = [.. RepositoryFiles.Sources.SelectMany(file => Constant.Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).Distinct()];

        string[] assertions = [.. used.Select(name => $"_Static_assert({name} == {ValueOf(constants, name)}, \"{name}\");"), .. Structs.SelectMany(name => LayoutOf(library.GetType($"Tmds.Linux.{name}", throwOnError: true)!))];

        used.Length.ShouldBeGreaterThan(50);
        await CompileAsync(compiler, assertions);
    }

    [Fact]
    public async Task The_numbers_of_allowed_calls_are_those_of_the_C_headers_on_each_architecture()
    {
        SystemCall[] calls = [.. AllowedCalls.All, new("seccomp", (int)OwnCalls.SYS_seccomp, (int)OwnCalls.SeccompOnArm64)];

        if (RuntimeInformation.ProcessArchitecture == Architecture.X64)
        {
            await CompileAsync(Ours, calls.Select(call => $"_Static_assert(__NR_{call.Name} == {call.X64}, \"{call.Name}\");"), "asm/unistd_64.h");
        }

        await CompileAsync(
            Ours, calls.Where(call => call.Arm64 >= 0).Select(call => $"_Static_assert(__NR_{call.Name} == {call.Arm64}, \"{call.Name}\");"), "asm-generic/unistd.h");
    }

    [Theory]
    [InlineData(Ours)]
    [InlineData(Cross)]
    public async Task A_wrong_constant_does_not_compile(string compiler)
        => await Should.ThrowAsync<CommandException>(() => CompileAsync(compiler, ["_Static_assert(SEEK_HOLE == 3, \"SEEK_HOLE\");"]));

    private static object ValueOf(Type constants, string name)
        => constants.GetProperty(name, BindingFlags.Public | BindingFlags.Static)?.GetValue(null)
            ?? constants.GetField(name, BindingFlags.Public | BindingFlags.Static)?.GetValue(null)
            ?? throw new InvalidOperationException($"There is no {name}.");

    // The fields that have a name there: what is padding has none.
    private static IEnumerable<string> LayoutOf(Type type)
        => type.GetFields().Select(field => $"_Static_assert(offsetof(struct {type.Name}, {field.Name}) == {Marshal.OffsetOf(type, field.Name)}, \"{type.Name}.{field.Name}\");")
            .Prepend($"_Static_assert(sizeof(struct {type.Name}) == {Marshal.SizeOf(type)}, \"{type.Name}\");");

    private static string[] Structs { get; } = ["pollfd", "msghdr", "cmsghdr", "statx", "iovec", "flock"];

    [GeneratedRegex(@"\bLibC\.([A-Z][A-Z0-9_]+)\b")]
    private static partial Regex Constant { get; }

    private static async Task CompileAsync(string compiler, IEnumerable<string> assertions, string? onlyHeader = null)
    {
        using TemporaryDirectory directory = new();
        string[] headers =
        [
            "stddef.h", "stdio.h", "fcntl.h", "sys/mount.h", "linux/loop.h", "spawn.h", "signal.h", "unistd.h", "sys/wait.h", "sys/stat.h", "sys/uio.h", "sys/vfs.h", "sys/socket.h",
            "sys/resource.h", "sys/mman.h", "linux/fs.h", "linux/falloc.h", "linux/fiemap.h", "linux/magic.h", "linux/nvme_ioctl.h", "scsi/sg.h", "linux/openat2.h", "sys/syscall.h",
            "sys/prctl.h", "sched.h", "linux/seccomp.h", "linux/filter.h", "linux/audit.h", "errno.h", "poll.h", "sys/eventfd.h",
        ];
        await File.WriteAllLinesAsync(directory["check.c"], ["#define _GNU_SOURCE", "#define __ARCH_WANT_NEW_STAT", "#define __ARCH_WANT_SYS_CLONE3", .. (onlyHeader is null ? headers : [onlyHeader]).Select(h => $"#include <{h}>"), .. assertions]);
        Command? found = Command.Find(compiler);
        Assert.SkipUnless(found is not null || Environment.GetEnvironmentVariable("CI") == "true", $"{compiler} is missing");
        Command gcc = found ?? throw new InvalidOperationException($"{compiler} is needed: install gcc and libc6-dev, and gcc-aarch64-linux-gnu and libc6-dev-arm64-cross");

        await gcc.RunAsync(["-c", directory["check.c"], "-o", directory["check.o"]], CancellationToken.None);
    }
}
