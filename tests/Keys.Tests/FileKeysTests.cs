using EveStorage.Keys;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

public sealed class FileKeysTests : IDisposable
{
    private static readonly KeyName s_name = new("data");

    // /dev/shm is a tmpfs on every Linux that has POSIX shared memory.
    private readonly string _root = Directory.CreateDirectory($"/dev/shm/evestorage-keys-{Guid.NewGuid():N}").FullName;

    private string Place => Path.Combine(_root, "keys");

    [Fact]
    public async Task A_key_is_random_of_the_length_asked_for_and_the_same_each_time()
    {
        await CreateAsync(s_name, 64);
        await CreateAsync(new("other"), 64);

        byte[] first = await BytesAsync(s_name);
        first.Length.ShouldBe(64);
        (await BytesAsync(s_name)).ShouldBe(first);
        (await BytesAsync(new("other"))).ShouldNotBe(first);
    }

    [Fact]
    public async Task A_missing_key_is_not_found_and_not_made()
    {
        (await Should.ThrowAsync<StorageException>(async () => await BytesAsync(s_name))).Kind.ShouldBe(StorageErrorKind.NotFound);

        Directory.Exists(Place).ShouldBeFalse();
    }

    [Fact]
    public async Task A_key_that_is_there_stays_as_it_is()
    {
        await CreateAsync(s_name, 32);
        byte[] before = await BytesAsync(s_name);

        (await CreateAsync(s_name, 32)).ShouldBeEmpty();

        (await BytesAsync(s_name)).ShouldBe(before);
    }

    [Fact]
    public async Task A_key_that_somebody_put_there_is_used_and_neither_replaced_nor_removed()
    {
        Put(s_name, new byte[32]);

        (await CreateAsync(s_name, 32)).ShouldBeEmpty();
        (await Should.ThrowAsync<StorageException>(async () => await DeleteAsync(s_name))).Kind.ShouldBe(StorageErrorKind.Conflict);

        (await BytesAsync(s_name)).ShouldBe(new byte[32]);
    }

    [Fact]
    public async Task Undoing_removes_only_what_this_operation_made()
    {
        OperationRequest first = Request();
        OperationRequest second = Request();
        Plan plan = await Keys().PlanCreateAsync(s_name, 32, default);
        await RunningPlans.RunAsync(plan, first, default);

        await UndoAsync(plan, second);
        (await NamesAsync()).ShouldBe([s_name]);
        await UndoAsync(plan, first);

        (await NamesAsync()).ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(Place).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_crash_left_of_making_a_key_is_no_key_and_is_taken_away()
    {
        OperationRequest request = Request();
        Directory.CreateDirectory(Place, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string half = Path.Combine(Place, $".tmp-{request.Id:N}-data");
        Directory.CreateDirectory(half);
        await File.WriteAllBytesAsync(Path.Combine(half, "key"), [1, 2, 3]);

        (await NamesAsync()).ShouldBeEmpty();
        await RunningPlans.RunAsync(await Keys().PlanCreateAsync(s_name, 32, default), request, default);

        (await BytesAsync(s_name)).Length.ShouldBe(32);
        Directory.EnumerateFileSystemEntries(Place).ShouldBe([Path.Combine(Place, "data")]);
    }

    [Fact]
    public async Task A_deleted_key_is_gone_and_deleting_it_again_is_already_so()
    {
        await CreateAsync(s_name, 32);

        (await DeleteAsync(s_name)).Count.ShouldBe(1);
        (await DeleteAsync(s_name)).ShouldBeEmpty();

        Directory.EnumerateFileSystemEntries(Place).ShouldBeEmpty();
    }

    [Fact]
    public async Task Deleting_is_said_to_destroy()
    {
        await CreateAsync(s_name, 32);

        (await Keys().PlanDeleteAsync(s_name, default)).Steps.Single().Expected.Destroyed.ShouldBe("the key data and all that only it opens");
    }

    [Fact]
    public async Task A_directory_on_a_disk_is_refused_unless_it_is_allowed()
    {
        using TemporaryDirectory disk = new();
        Assert.SkipWhen(Linux.FileSystem.Of(disk.Path).Kind == Linux.FileSystemKind.Tmpfs, "the temporary directory is in memory");
        FileKeysOptions options = new() { Directory = disk["keys"] };

        (await new FileKeys(options).ProbeAsync(default)).Single().ShouldContain("is not on tmpfs");
        (await Should.ThrowAsync<StorageException>(async () => await RunningPlans.RunAsync(await new FileKeys(options).PlanCreateAsync(s_name, 32, default), Request(), default)))
            .Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);

        options.AllowPersistent = true;
        (await new FileKeys(options).ProbeAsync(default)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0b111_101_000, 0b110_000_000, "chmod 0700")]
    [InlineData(0b111_000_000, 0b110_100_000, "chmod 0600")]
    public async Task Keys_that_are_open_to_others_are_refused(int directory, int file, string advice)
    {
        Put(s_name, new byte[32]);
        File.SetUnixFileMode(Place, (UnixFileMode)directory);
        File.SetUnixFileMode(Path.Combine(Place, "data"), (UnixFileMode)file);

        (await Should.ThrowAsync<StorageException>(async () => await BytesAsync(s_name))).Message.ShouldContain(advice);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4097)]
    public async Task What_can_be_no_key_is_refused(int length)
    {
        Put(s_name, new byte[length]);

        (await Should.ThrowAsync<StorageException>(async () => await BytesAsync(s_name))).Kind.ShouldBe(StorageErrorKind.Corrupt);
    }

    [Fact]
    public async Task A_link_is_no_key()
    {
        Put(new("real"), new byte[32]);
        File.CreateSymbolicLink(Path.Combine(Place, "data"), Path.Combine(Place, "real"));

        (await Should.ThrowAsync<StorageException>(async () => await BytesAsync(s_name))).Kind.ShouldBe(StorageErrorKind.Conflict);
    }

    [Theory]
    [InlineData("keys")]
    [InlineData("/")]
    [InlineData("/run/../keys")]
    public void A_directory_that_is_no_place_is_a_wrong_option(string directory)
        => new FileKeysOptionsValidator().Validate(null, new() { Directory = directory }).Failed.ShouldBeTrue();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static OperationRequest Request() => new() { Id = Guid.NewGuid() };

    private static async Task UndoAsync(Plan plan, OperationRequest request)
        => await plan.Steps.Single().RevertAsync(new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System), default);

    private FileKeys Keys() => new(new() { Directory = Place });

    private async Task<IReadOnlyList<StorageStep>> CreateAsync(KeyName name, int length)
        => await RunningPlans.RunAsync(await Keys().PlanCreateAsync(name, length, default), Request(), default);

    private async Task<IReadOnlyList<StorageStep>> DeleteAsync(KeyName name)
        => await RunningPlans.RunAsync(await Keys().PlanDeleteAsync(name, default), Request(), default);

    private async Task<byte[]> BytesAsync(KeyName name)
    {
        using KeyMaterial key = await Keys().GetAsync(name, default);
        return key.Bytes.ToArray();
    }

    private async Task<List<KeyName>> NamesAsync() => await Keys().ListAsync(default).ToListAsync();

    private void Put(KeyName name, byte[] key)
    {
        Directory.CreateDirectory(Place, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string path = Path.Combine(Place, $"{name}");
        File.WriteAllBytes(path, key);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
