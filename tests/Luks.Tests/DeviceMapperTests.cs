using EveStorage.Linux;
using EveStorage.Luks;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// What needs a kernel with dm-crypt, and drives that may be written: <c>EVESTORAGE_TEST_DRIVE</c> names one that is empty. The
/// lab's guest runs these, and nothing else does: LuksTests of the lab.
/// </summary>
public sealed class DeviceMapperTests
{
    private const string Marker = "the marker that must not be on the raw drive";

    private static string Drive => Environment.GetEnvironmentVariable("EVESTORAGE_TEST_DRIVE") ?? throw new InvalidOperationException("EVESTORAGE_TEST_DRIVE names no drive");

    [Fact(Explicit = true)]
    public async Task What_is_written_above_is_nowhere_on_the_raw_drive_and_is_there_after_it_was_closed()
    {
        using Below below = new(LayerPlacement.UnderPool, Drive);
        await OpenNewAsync(below);
        await ShellAsync($"yes '{Marker}' | head -c 1048576 | dd of={Upper(below)} bs=64K iflag=fullblock oflag=direct");

        await CloseAsync(below);
        (await below.Layer.IsOpenAsync(below.Site, default)).ShouldBeFalse();
        (await ShellAsync($"grep -c -a -F '{Marker}' {Drive} || true")).ShouldBe("0");
        await Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default));

        (await ShellAsync($"head -c 65536 {Upper(below)} | grep -c -a -F '{Marker}'")).ShouldNotBe("0");
        await EndAsync(below);
    }

    [Fact(Explicit = true)]
    public async Task Ten_wrong_keys_leave_a_drive_as_it_is_and_closed()
    {
        using Below below = new(LayerPlacement.UnderPool, Drive);
        await OpenNewAsync(below);
        await CloseAsync(below);
        byte[] right = below.Keys.Of("first");
        string before = await HashAsync(Drive);

        for (int n = 0; n < 10; n++)
        {
            below.Keys.Put("first", 64);
            (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default)))).Kind.ShouldBe(StorageErrorKind.Conflict);
        }

        (await HashAsync(Drive)).ShouldBe(before);
        (await below.Layer.IsOpenAsync(below.Site, default)).ShouldBeFalse();
        below.Keys.Put("first", right);
        await Below.RunAsync(below.Layer.PlanEraseAsync(below.Site, default));
    }

    [Fact(Explicit = true)]
    public async Task One_that_is_open_grows_into_what_grew_below_while_it_is_in_use()
    {
        using Below below = new();
        await OpenNewAsync(below);
        using BlockFile inUse = Hold(below);
        ByteSize before = BlockDevice.GetSize(Upper(below));
        below.Resize(ByteSize.MiB(32));

        (await Below.RunAsync(below.Layer.PlanGrowAsync(below.Site, default))).Count.ShouldBe(1);

        before.ShouldBe(ByteSize.MiB(8));
        BlockDevice.GetSize(Upper(below)).ShouldBe(ByteSize.MiB(16));
        (await Below.RunAsync(below.Layer.PlanGrowAsync(below.Site, default))).ShouldBeEmpty();
        inUse.Dispose();
        await EndAsync(below);
    }

    [Fact(Explicit = true)]
    public async Task Discards_go_through_when_they_are_allowed_and_not_when_they_are_not()
    {
        using Below below = new();
        await OpenNewAsync(below);
        (await Should.ThrowAsync<CommandException>(() => RunAsync("blkdiscard", Upper(below)))).Said.ShouldContain("not supported");
        await ShellAsync($"dd if=/dev/urandom of={Upper(below)} bs=1M count=4 oflag=direct");
        await CloseAsync(below);
        long full = BlockFile.Look(below.Path).Allocated;
        below.Options.AllowDiscards = true;
        await Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default));

        await RunAsync("blkdiscard", Upper(below));

        (full - BlockFile.Look(below.Path).Allocated).ShouldBeGreaterThanOrEqualTo(ByteSize.MiB(4).Bytes);
        await EndAsync(below);
    }

    [Fact(Explicit = true)]
    public async Task One_that_is_in_use_is_busy_by_whom_and_closes_afterwards()
    {
        using Below below = new();
        await OpenNewAsync(below);
        using (Hold(below))
        {
            StorageException busy = await Should.ThrowAsync<StorageException>(() => CloseAsync(below));
            busy.Kind.ShouldBe(StorageErrorKind.Busy);
            busy.Message.ShouldContain($"(process {Environment.ProcessId})");
        }

        await RunAsync("mke2fs", "-q", Upper(below));
        await ShellAsync($"mkdir -p /mnt/luks-test && mount -t ext4 {Upper(below)} /mnt/luks-test");
        (await Should.ThrowAsync<StorageException>(() => CloseAsync(below))).Message.ShouldContain("is mounted at /mnt/luks-test");
        await RunAsync("umount", "/mnt/luks-test");

        await EndAsync(below);
    }

    [Fact(Explicit = true)]
    public async Task A_volume_group_lies_over_it_and_is_named_when_it_is_to_be_closed()
    {
        using Below below = new(LayerPlacement.UnderPool, Drive);
        await OpenNewAsync(below);
        string devices = $"--devices {Upper(below)} --config devices/scan_lvs=0";
        await ShellAsync($"pvcreate -q {devices} {Upper(below)} && vgcreate -q {devices} luksvg {Upper(below)} && lvcreate -q {devices} --yes -L 4M -n lv luksvg");

        StorageException busy = await Should.ThrowAsync<StorageException>(() => CloseAsync(below));

        busy.Kind.ShouldBe(StorageErrorKind.Busy);
        busy.Message.ShouldContain("luksvg-lv");
        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanEraseAsync(below.Site, default)))).Kind.ShouldBe(StorageErrorKind.Busy);
        await ShellAsync($"vgchange -q {devices} -an luksvg");
        await EndAsync(below);
    }

    [Fact(Explicit = true)]
    public async Task Undoing_closes_what_was_opened_and_leaves_the_drive_as_it_was()
    {
        using Below below = new(LayerPlacement.UnderPool, Drive);
        string before = await HashAsync(Drive);
        Plan plan = (await below.Layer.PlanFormatAsync(below.Site, default)).Then(await below.Layer.PlanOpenAsync(below.Site, default)).Then(Plan.Of(new Failing()));

        (await Should.ThrowAsync<StorageException>(() => RunningPlans.RunAsync(plan, Below.Request(), default))).Subject.ShouldBe("test");

        (await below.Layer.IsOpenAsync(below.Site, default)).ShouldBeFalse();
        (await HashAsync(Drive)).ShouldBe(before);
    }

    [Fact(Explicit = true)]
    public async Task What_has_its_name_and_is_not_of_it_is_refused_and_stays()
    {
        using Below below = new();
        await below.FormatAsync();
        await RunAsync("dmsetup", "create", below.Site.Name, "--table", "0 2048 zero");

        (await Should.ThrowAsync<StorageException>(() => Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default)))).Kind.ShouldBe(StorageErrorKind.Conflict);
        (await Should.ThrowAsync<StorageException>(() => CloseAsync(below))).Kind.ShouldBe(StorageErrorKind.Conflict);

        (await ShellAsync($"dmsetup table {below.Site.Name}")).ShouldBe("0 2048 zero");
        await RunAsync("dmsetup", "remove", below.Site.Name);
    }

    [Fact(Explicit = true)]
    public async Task A_key_is_changed_while_it_is_open_which_then_grows_by_the_new_one()
    {
        using Below below = new();
        await OpenNewAsync(below);

        (await Below.RunAsync(below.Layer.PlanRekeyAsync(below.Site, new("second"), default))).Count.ShouldBe(2);

        (await below.OpensAsync("first")).ShouldBeFalse();
        below.Keys.Remove("first");
        below.Resize(ByteSize.MiB(32));
        (await Below.RunAsync(below.Layer.PlanGrowAsync(below.Site, default))).Count.ShouldBe(1);
        await CloseAsync(below);
        await Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default));
        await EndAsync(below);
    }

    [Fact(Explicit = true)]
    public async Task Adiantum_is_what_dm_crypt_runs_and_both_ciphers_are_measured()
    {
        using Below below = new();
        below.Options.Cipher = "adiantum";
        await OpenNewAsync(below);

        (await ShellAsync($"dmsetup table {below.Site.Name}")).ShouldContain("xchacha12,aes-adiantum-plain64");
        await EndAsync(below);
        foreach (string cipher in (string[])["adiantum", "aes-xts"])
        {
            below.Options.Cipher = cipher;
            LuksCipher chosen = await LuksCipher.ChooseAsync(below.Options, new(), default);
            (await new Machine().MeasureAsync(chosen, default)).ShouldNotBeNull().ShouldBeGreaterThan(0);
        }
    }

    [Fact(Explicit = true)]
    public async Task The_probe_finds_all_that_it_needs()
    {
        using Below below = new();

        (await below.Layer.ProbeAsync(default)).ShouldBeEmpty();
    }

    private static BlockFile Hold(Below below)
        => BlockFile.Open(File.ResolveLinkTarget(Upper(below), returnFinalTarget: true)?.FullName ?? Upper(below), writable: false);

    private static string Upper(Below below) => below.Layer.PathOver(below.Site);

    private static async Task OpenNewAsync(Below below)
    {
        await below.FormatAsync();
        (await Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default))).Count.ShouldBe(1);
        (await below.Layer.IsOpenAsync(below.Site, default)).ShouldBeTrue();
        (await Below.RunAsync(below.Layer.PlanOpenAsync(below.Site, default))).ShouldBeEmpty();
    }

    private static async Task CloseAsync(Below below) => (await Below.RunAsync(below.Layer.PlanCloseAsync(below.Site, default))).Count.ShouldBe(1);

    /// <summary>Leaves nothing to the next test: it is closed, and empty as a drive was.</summary>
    private static async Task EndAsync(Below below)
    {
        await CloseAsync(below);
        await Below.RunAsync(below.Layer.PlanEraseAsync(below.Site, default));
        below.Header.ShouldBeNull();
    }

    private static Task<string> RunAsync(string program, params string[] arguments)
        => Tool(Command.Find(program) ?? throw new InvalidOperationException($"{program} is needed")).RunAsync(arguments, default);

    private static async Task<string> ShellAsync(string script) => (await Tool(Command.At("/bin/sh")).RunAsync(["-c", script], default)).Trim();

    // The test's own tools are told where there is no udev; the layer has to find it out.
    private static Command Tool(Command command)
        => Environment.GetEnvironmentVariable("EVESTORAGE_TEST_UDEV") == "no" ? command.With(new Dictionary<string, string> { ["DM_DISABLE_UDEV"] = "1" }) : command;

    private static async Task<string> HashAsync(string device) => await ShellAsync($"sha256sum < {device}");

    private sealed class Failing : StorageStep
    {
        public override string Title => "fail";

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
            => throw new StorageException(StorageErrorKind.Io, "test", "was told to fail");

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
