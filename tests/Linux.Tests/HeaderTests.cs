using System.Reflection;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

public class HeaderTests
{
    [Fact]
    public async Task Our_own_constants_are_those_of_the_C_headers()
    {
        IEnumerable<string> constants = typeof(OwnCalls).GetFields(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(field => field.IsLiteral)
            .Select(field => $"_Static_assert({field.Name} == {field.GetRawConstantValue()}, \"{field.Name}\");");

        await CompileAsync(constants);
    }

    [Fact]
    public async Task Our_own_structs_have_room_for_those_of_the_C_headers()
        => await CompileAsync(
        [
            $"_Static_assert(sizeof(posix_spawn_file_actions_t) <= {ChildProcess.OpaqueSize}, \"actions\");",
            $"_Static_assert(sizeof(posix_spawnattr_t) <= {ChildProcess.OpaqueSize}, \"attributes\");",
            "_Static_assert(sizeof(struct iovec) == 16, \"iovec\");",
            "_Static_assert(sizeof(struct rlimit) == 16, \"rlimit\");",
            "_Static_assert(sizeof(struct ucred) == 12, \"ucred\");",
            "_Static_assert(sizeof(struct nvme_passthru_cmd) == 72 && offsetof(struct nvme_passthru_cmd, addr) == 24 && offsetof(struct nvme_passthru_cmd, data_len) == 36 && offsetof(struct nvme_passthru_cmd, timeout_ms) == 64, \"nvme\");",
            "_Static_assert(sizeof(struct sg_io_hdr) == 88 && offsetof(struct sg_io_hdr, cmdp) == 24 && offsetof(struct sg_io_hdr, status) == 64 && offsetof(struct sg_io_hdr, host_status) == 68, \"sg\");",
            "_Static_assert(sizeof(struct statfs) <= 128 && offsetof(struct statfs, f_bsize) == 8 && offsetof(struct statfs, f_bavail) == 32, \"statfs\");",
        ]);

    [Fact]
    public async Task A_wrong_constant_does_not_compile()
        => await Should.ThrowAsync<CommandException>(() => CompileAsync(["_Static_assert(SEEK_HOLE == 3, \"SEEK_HOLE\");"]));

    private static async Task CompileAsync(IEnumerable<string> assertions)
    {
        using TemporaryDirectory directory = new();
        string[] headers =
        [
            "stddef.h", "stdio.h", "fcntl.h", "spawn.h", "signal.h", "unistd.h", "sys/wait.h", "sys/stat.h", "sys/uio.h", "sys/vfs.h", "sys/socket.h",
            "sys/resource.h", "linux/fs.h", "linux/falloc.h", "linux/magic.h", "linux/nvme_ioctl.h", "scsi/sg.h",
        ];
        await File.WriteAllLinesAsync(directory["check.c"], ["#define _GNU_SOURCE", .. headers.Select(h => $"#include <{h}>"), .. assertions]);
        Command gcc = Command.Find("gcc") ?? throw new InvalidOperationException("gcc is needed: install gcc, libc6-dev and linux-libc-dev");

        await gcc.RunAsync(["-c", directory["check.c"], "-o", directory["check.o"]], CancellationToken.None);
    }
}
