using System.Runtime.CompilerServices;
using EveStorage.Testing;
using EveStorage.Zfs;

namespace EveStorage.Tests;

/// <summary>Volumes that have a key of their own, with clones of them, and a source of keys that has it, or fails.</summary>
public sealed class VolumeKeysTests : IAsyncLifetime, IKeyProvider
{
    private static readonly VolumeName s_received = new("received");
    private static readonly VolumeName s_clone = new("clone");

    private readonly List<KeyName> _asked = [];
    private StorageErrorKind? _fails;
    private KeyName _key;
    private StandIn _zfs = null!;

    // The clone is listed before what it was cloned of.
    public async ValueTask InitializeAsync()
    {
        _zfs = await StandIn.OpenAsync(this);
        await MakeAsync(s_clone);
        _key = VolumeKeys.NameOf((await MakeAsync(s_received)).Ids[$"{s_received}"]);
        await _zfs.Pool.Zpool.SetAsync(_zfs.Pool.Zpool.DatasetOf(s_clone), [$"encryptionroot={_zfs.Pool.Zpool.DatasetOf(s_received)}"], default);
    }

    public ValueTask DisposeAsync()
    {
        _zfs.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_clone_is_locked_by_the_key_of_what_it_was_cloned_of()
    {
        (await _zfs.Pool.FindVolumeAsync(s_clone, default))!.LockedBy.ShouldBe(_key);
        (await _zfs.Pool.ListVolumesAsync(default).Select(volume => volume.LockedBy).ToListAsync()).ShouldBe([_key, _key]);
    }

    [Fact]
    public async Task The_key_of_a_volume_and_its_clones_is_loaded_once_and_opens_them_all()
    {
        await ReadyAsync();

        (await _zfs.ToldAsync()).ShouldBe(["load-key tank/volumes/received"]);
        _asked.ShouldBe([_key]);
        Locked().ShouldBeEmpty();
        (await _zfs.Pool.ListVolumesAsync(default).Select(volume => volume.LockedBy).ToListAsync()).ShouldBe([null, null]);
    }

    [Theory]
    [InlineData(StorageErrorKind.NotFound)]
    [InlineData(StorageErrorKind.Unavailable)]
    [InlineData(StorageErrorKind.InvalidConfiguration)]
    [InlineData(StorageErrorKind.Corrupt)]
    public async Task A_source_that_does_not_give_a_volume_s_key_keeps_its_pool_from_nothing_and_is_told_with_its_reason(StorageErrorKind kind)
    {
        _fails = kind;

        await ReadyAsync();

        Locked().Select(told => told.Subject).ShouldBe(["data/clone", "data/received"], ignoreOrder: true);
        Locked().ShouldAllBe(told => told.Message.Contains($"{_key}") && told.Message.Contains("the source is out of order"));
    }

    [Fact]
    public async Task A_volume_that_is_locked_is_refused_with_the_name_of_its_key_and_the_reason()
    {
        _fails = StorageErrorKind.Corrupt;

        StorageException refused = await Should.ThrowAsync<StorageException>(() => _zfs.Pool.OpenBlocksAsync(s_clone, BlockAccess.Read, default).AsTask());

        refused.Kind.ShouldBe(StorageErrorKind.Unavailable);
        refused.Message.ShouldContain($"{_key}");
        refused.Message.ShouldContain("the source is out of order");
    }

    [Fact]
    public async Task A_volume_below_somebody_else_s_key_is_locked_by_no_name_of_ours()
    {
        await _zfs.Pool.Zpool.SetAsync(_zfs.Pool.Zpool.DatasetOf(s_clone), ["encryptionroot=tank"], default);

        (await _zfs.Pool.FindVolumeAsync(s_clone, default))!.LockedBy.ShouldBeNull();
        await ReadyAsync();

        Locked().Select(told => told.Subject).ShouldBe(["data/clone"]);
    }

    ValueTask<IReadOnlyList<string>> IKeyProvider.ProbeAsync(CancellationToken cancellationToken) => new([]);

    async IAsyncEnumerable<KeyName> IKeyProvider.ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }

    ValueTask<KeyMaterial> IKeyProvider.GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        _asked.Add(name);
        return _fails is StorageErrorKind kind ? throw new StorageException(kind, $"{name}", "the source is out of order")
            : name == _key ? new(new KeyMaterial(32)) : throw new StorageException(StorageErrorKind.NotFound, $"{name}", "there is no such key");
    }

    ValueTask<Plan> IKeyProvider.PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => new(Plan.Of());

    ValueTask<Plan> IKeyProvider.PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => new(Plan.Of());

    private Task<OperationRequest> MakeAsync(VolumeName name)
        => RunningPlans.RunAsync(_zfs.Pool.PlanCreateAsync(new() { Name = name, Form = VolumeForm.Block, Size = ByteSize.MiB(8) }, default), $"{name}");

    private Task ReadyAsync() => OpenZpool.ReadyAsync(new("data"), _zfs.Pool.Zpool, _zfs.Pool.Options, _zfs.Pool.Services with { Time = new Hurried() }, default);

    private List<StorageEvent> Locked() => [.. _zfs.Events.Where(told => told.Id == "volume.locked")];
}
