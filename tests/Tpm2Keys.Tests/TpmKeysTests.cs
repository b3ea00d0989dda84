using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.Tpm2Keys;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

public sealed class TpmKeysTests
{
    private static readonly KeyName s_name = new("data");

    [Fact]
    public async Task A_key_comes_back_at_the_next_boot_of_the_same_software()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 64);
        byte[] first = await BytesAsync(tpm);

        await tpm.BootAsync();

        first.Length.ShouldBe(64);
        (await BytesAsync(tpm)).ShouldBe(first);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(14)]
    public async Task Other_software_is_refused_and_the_sealed_key_stays_as_it_is(int pcr)
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 32);
        byte[] before = SealedBytes(tpm);
        byte[] key = await BytesAsync(tpm);
        await tpm.ExtendAsync(pcr);

        for (int n = 0; n < 10; n++)
        {
            StorageException locked = await Should.ThrowAsync<StorageException>(() => BytesAsync(tpm));
            locked.Kind.ShouldBe(StorageErrorKind.Unavailable);
            locked.Message.ShouldStartWith($"key data: locked: PCR {pcr} of sha256 changed since it was sealed");
        }

        SealedBytes(tpm).ShouldBe(before);
        await tpm.BootAsync();
        (await BytesAsync(tpm)).ShouldBe(key);
    }

    [Fact]
    public async Task The_TPM_itself_refuses_other_software_whatever_the_file_says()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 32);
        await tpm.ExtendAsync(7);
        SealedKey there = new SealedKeys(tpm.Place).Find(s_name)!;
        SealedKey forged = there with { Pcrs = await new Tpm(tpm.Options.Tcti, tpm.Work, TimeProvider.System).ReadPcrsAsync("sha256", [.. there.Pcrs.Keys], default) };
        await File.WriteAllBytesAsync(Path.Combine(tpm.Place, "data.json"), forged.ToBytes());

        (await Should.ThrowAsync<StorageException>(() => BytesAsync(tpm))).Kind.ShouldBe(StorageErrorKind.Unavailable);
    }

    [Fact]
    public async Task A_PCR_that_is_not_of_the_list_may_change()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 32);
        byte[] key = await BytesAsync(tpm);

        await tpm.ExtendAsync(5);

        (await BytesAsync(tpm)).ShouldBe(key);
    }

    [Fact]
    public async Task A_TPM_that_was_cleared_gives_nothing_back()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 32);
        await tpm.ClearAsync();

        StorageException refused = await Should.ThrowAsync<StorageException>(() => BytesAsync(tpm));

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        refused.Message.ShouldContain("was cleared, or is another one");
    }

    [Fact]
    public async Task Nothing_of_a_key_stays_in_the_TPM()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 32);
        await BytesAsync(tpm);
        await tpm.ExtendAsync(7);
        await Should.ThrowAsync<StorageException>(() => BytesAsync(tpm));

        (await tpm.HeldAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_killed_process_left_of_a_session_goes_at_the_next_use_and_nothing_stays_after_it()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        Directory.CreateDirectory($"{tpm.Work}/use");
        File.SetUnixFileMode(tpm.Work, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync($"{tpm.Work}/use/session", "a session's key");

        await CreateAsync(tpm, 32);
        await BytesAsync(tpm);

        Directory.EnumerateFileSystemEntries(tpm.Work).ShouldBe([$"{tpm.Work}/lock"]);
    }

    [Fact]
    public async Task The_TPM_is_used_by_one_at_a_time_where_nobody_else_looks()
    {
        using TemporaryDirectory place = new();
        Task<WorkDirectory> second;
        using (WorkDirectory first = await WorkDirectory.MakeAsync(place["work"], TimeProvider.System, default))
        {
            second = WorkDirectory.MakeAsync(place["work"], TimeProvider.System, default);
            await File.WriteAllTextAsync(first["session"], "");
            second.IsCompleted.ShouldBeFalse();
            File.GetUnixFileMode(place["work"]).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        (await second).Dispose();
        File.SetUnixFileMode(place["work"], (UnixFileMode)0b111_101_101);
        (await Should.ThrowAsync<StorageException>(() => WorkDirectory.MakeAsync(place["work"], TimeProvider.System, default))).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
    }

    [Fact]
    public async Task The_sealed_file_does_not_hold_the_key()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 32);
        byte[] key = await BytesAsync(tpm);
        SealedKey there = new SealedKeys(tpm.Place).Find(s_name)!;

        there.Private.AsSpan().IndexOf(key.AsSpan(0, 8)).ShouldBe(-1);
        there.Public.AsSpan().IndexOf(key.AsSpan(0, 8)).ShouldBe(-1);
    }

    [Fact]
    public async Task A_key_that_is_there_stays_and_undoing_removes_only_what_its_operation_made()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        OperationRequest request = Request();
        Plan plan = await tpm.Keys.PlanCreateAsync(s_name, 32, default);
        await RunningPlans.RunAsync(plan, request, default);
        byte[] before = SealedBytes(tpm);

        (await CreateAsync(tpm, 32)).ShouldBeEmpty();
        await UndoAsync(plan, Request());
        SealedBytes(tpm).ShouldBe(before);
        await UndoAsync(plan, request);

        Directory.EnumerateFileSystemEntries(tpm.Place).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_missing_key_is_not_found_and_not_made()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();

        (await Should.ThrowAsync<StorageException>(() => BytesAsync(tpm))).Kind.ShouldBe(StorageErrorKind.NotFound);

        Directory.Exists(tpm.Place).ShouldBeFalse();
    }

    [Fact]
    public async Task A_deleted_key_is_gone()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        await CreateAsync(tpm, 32);
        Plan plan = await tpm.Keys.PlanDeleteAsync(s_name, default);

        plan.Steps.Single().Expected.Destroyed.ShouldBe("the key data and all that only it opens");
        await RunningPlans.RunAsync(plan, Request(), default);

        (await tpm.Keys.ListAsync(default).ToListAsync()).ShouldBeEmpty();
        (await RunningPlans.RunAsync(await tpm.Keys.PlanDeleteAsync(s_name, default), Request(), default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_probe_finds_a_TPM_and_says_when_none_answers_or_a_bank_is_missing()
    {
        await using EmulatedTpm tpm = await EmulatedTpm.StartAsync();
        Tpm2KeysOptions none = new() { Tcti = "device:/dev/no-such-tpm", Directory = tpm.Place, Work = tpm.Work };
        Tpm2KeysOptions bank = tpm.Options;
        bank.Bank = "sha512";

        (await tpm.Keys.ProbeAsync(default)).ShouldBeEmpty();
        (await new TpmKeys(none, TimeProvider.System).ProbeAsync(default)).Count.ShouldBe(1);
        (await Command.Find("tpm2_getcap")!.RunAsync(["-T", tpm.Options.Tcti, "pcrs"], default)).ShouldContain("sha256");
        (await new TpmKeys(bank, TimeProvider.System).ProbeAsync(default)).Count.ShouldBeLessThanOrEqualTo(1);
    }

    [Theory]
    [InlineData("{}", StorageErrorKind.Corrupt)]
    [InlineData("{\"format\":2}", StorageErrorKind.NotSupported)]
    [InlineData("{\"format\":1}", StorageErrorKind.Corrupt)]
    [InlineData("not json", StorageErrorKind.Corrupt)]
    public async Task A_file_that_is_no_sealed_key_is_refused(string content, StorageErrorKind kind)
    {
        using TemporaryDirectory directory = new();
        await File.WriteAllTextAsync(directory["data.json"], content);

        Should.Throw<StorageException>(() => new SealedKeys(directory.Path).Find(s_name)).Kind.ShouldBe(kind);
    }

    [Theory]
    [InlineData("0-4,6-14", "0,1,2,3,4,6,7,8,9,10,11,12,13,14")]
    [InlineData("7", "7")]
    [InlineData("7,0-2,1", "0,1,2,7")]
    [InlineData("", null)]
    [InlineData("24", null)]
    [InlineData("4-2", null)]
    [InlineData("1-2-3", null)]
    [InlineData("a", null)]
    public void Numbers_of_PCRs_are_read_as_people_write_them(string text, string? numbers)
        => (PcrList.TryParse(text) is IReadOnlyList<int> list ? string.Join(',', list) : null).ShouldBe(numbers);

    [Fact]
    public void Options_that_can_not_be_are_all_said()
        => new Tpm2KeysOptionsValidator().Validate(null, new() { Directory = "keys", Pcrs = "x", Bank = "md5", Tcti = "", Work = "/run/../tmp" }).Failures!.Count().ShouldBe(5);

    private static OperationRequest Request() => new() { Id = Guid.NewGuid() };

    private static byte[] SealedBytes(EmulatedTpm tpm) => File.ReadAllBytes(Path.Combine(tpm.Place, "data.json"));

    private static async Task<IReadOnlyList<StorageStep>> CreateAsync(EmulatedTpm tpm, int length)
        => await RunningPlans.RunAsync(await tpm.Keys.PlanCreateAsync(s_name, length, default), Request(), default);

    private static async Task<byte[]> BytesAsync(EmulatedTpm tpm)
    {
        using KeyMaterial key = await tpm.Keys.GetAsync(s_name, default);
        return key.Bytes.ToArray();
    }

    private static async Task UndoAsync(Plan plan, OperationRequest request)
        => await plan.Steps.Single().RevertAsync(new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System), default);
}
