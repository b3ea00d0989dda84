using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

public sealed class LayerOverVolumeTests : IAsyncLifetime
{
    private static readonly PoolName s_pool = new("data");
    private static readonly CreateVolume s_create = new() { Pool = s_pool, Volume = new("vm1"), Size = ByteSize.MiB(8), Traits = VolumeTraits.Thin | VolumeTraits.Encrypted };
    private readonly LayeredPool _host = new("OverVolume");

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = s_pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_volume_has_the_size_that_was_asked_for_above_its_layer_and_a_key_of_its_own()
    {
        await _host.DoAsync(s_create);

        VolumeReport volume = await _host.Api.GetVolumeAsync(s_pool, new("vm1"), default);
        volume.Size.ShouldBe(ByteSize.MiB(8));
        volume.Layers.ShouldBe(["note"]);
        volume.Traits.ShouldBe(volume.Traits | VolumeTraits.Encrypted);
        volume.Open.ShouldBeTrue();
        File.Exists(volume.Path).ShouldBeTrue();
        (await _host.Api.ListKeysAsync(default)).ShouldBe([new KeyName($"volume-{volume.Id:D}")]);
    }

    [Fact]
    public async Task A_volume_that_asks_for_nothing_gets_no_layer()
    {
        await _host.DoAsync(s_create with { Traits = VolumeTraits.Thin });

        (await _host.Api.GetVolumeAsync(s_pool, new("vm1"), default)).Layers.ShouldBeEmpty();
        _host.KeyFiles.ShouldBeEmpty();
    }

    [Fact]
    public async Task Deleting_it_closes_the_layer_and_takes_the_key_along()
    {
        await _host.DoAsync(s_create, new DeleteVolume { Pool = s_pool, Volume = new("vm1") });

        _host.LayerFiles.ShouldBeEmpty();
        (await _host.Api.ListKeysAsync(default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_clone_is_opened_by_the_key_of_what_it_was_made_of_which_outlives_that()
    {
        await _host.DoAsync(
            s_create,
            new TakeSnapshots { Pool = s_pool, Snapshots = [new(new("vm1"), "s")] },
            new CloneSnapshot { Pool = s_pool, Snapshot = new(new("vm1"), "s"), NewVolume = new("vm2") });
        KeyName key = (await _host.Api.ListKeysAsync(default)).ShouldHaveSingleItem();

        OperationReport refused = await RefusedAsync(new DeleteKey { Key = key });
        await _host.DoAsync(new DeleteVolume { Pool = s_pool, Volume = new("vm1"), WithSnapshots = true });

        refused.Error!.Kind.ShouldBe(StorageErrorKind.Busy);
        (await _host.Api.ListKeysAsync(default)).ShouldHaveSingleItem().ShouldBe(key);
    }

    [Fact]
    public async Task An_image_is_written_through_the_layer_and_its_zeros_too()
    {
        byte[] disk = new byte[4 << 20];
        new Random(1).NextBytes(disk.AsSpan(1 << 20, 1 << 20));
        await File.WriteAllBytesAsync(_host["disk.img"], disk);
        using SafeFileHandle image = File.OpenHandle(_host["disk.img"]);

        OperationReport imported = await _host.RunAsync(
            new ImportImage { Pool = s_pool, Volume = new("vm1"), ImageName = "disk.img", Format = "raw", Verify = true, Traits = VolumeTraits.Thin | VolumeTraits.Encrypted }, image);

        imported.State.ShouldBe(OperationState.Succeeded, imported.Error?.Message);
        VolumeReport volume = await _host.Api.GetVolumeAsync(s_pool, new("vm1"), default);
        volume.Layers.ShouldBe(["note"]);
        File.Exists(volume.Path).ShouldBeTrue("its layer is named by its id, so that the rename left it open");
    }

    [Fact]
    public async Task An_import_that_is_cancelled_leaves_neither_volume_nor_layer_nor_key()
    {
        using SafeFileHandle big = File.OpenHandle(_host["big.img"], FileMode.CreateNew, FileAccess.ReadWrite);
        RandomAccess.SetLength(big, 64 << 20);

        Guid id = await _host.Api.SubmitAsync(
            new ImportImage { Pool = s_pool, Volume = new("vm1"), ImageName = "big.img", Format = "raw", Verify = true, Traits = VolumeTraits.Thin | VolumeTraits.Encrypted }, big, default);
        await _host.Api.CancelOperationAsync(id, default);
        await _host.Api.WatchOperationAsync(id, default).LastAsync();

        _host.LayerFiles.ShouldBeEmpty();
        (await _host.Api.ListKeysAsync(default)).ShouldBeEmpty();
        (await _host.Api.ListVolumesAsync(null, default)).ShouldBeEmpty();
    }

    private async Task<OperationReport> RefusedAsync(ChangeRequest request)
    {
        StorageException e = await Should.ThrowAsync<StorageException>(() => _host.RunAsync(request));
        return new() { Id = Guid.Empty, Request = request, UserId = 0, Started = default, State = OperationState.Failed, Steps = [], Error = ErrorReport.Of(e) };
    }
}
