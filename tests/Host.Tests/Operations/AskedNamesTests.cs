using EveStorage.Cli.Api;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

/// <summary>What errors are told by, and of whom.</summary>
public sealed class AskedNamesTests
{
    [Fact]
    public void An_error_of_undoing_an_import_has_the_name_that_was_typed_too()
    {
        Guid operation = Guid.NewGuid();
        ErrorReport error = new(StorageErrorKind.NeedsAttention, $"data/{VolumeName.ForOperation(operation)}", $"could not be undone: {VolumeName.ForOperation(operation)} is in use");

        AskedNames.InWordsOf(TestEngine.Import("vm1"), operation, error).ShouldBe(new(StorageErrorKind.NeedsAttention, "data/vm1", "could not be undone: vm1 is in use"));
        AskedNames.InWordsOf(TestEngine.Create("vm1"), operation, error).ShouldBe(error, "nothing else has another name meanwhile");
    }

    [Fact]
    public void An_image_is_damaged_where_it_says_so_itself_and_not_where_a_pool_is()
    {
        StorageException corrupt = new(StorageErrorKind.Corrupt, "data/vm1", "can't be what it claims to be");

        AttachedVolume.IsDamage(new UnreadableImageException(corrupt)).ShouldBeTrue();
        AttachedVolume.IsDamage(new UnreadableImageException(new(StorageErrorKind.Io, "disk.qcow2", "can't be read"))).ShouldBeFalse();
        AttachedVolume.IsDamage(corrupt).ShouldBeFalse();
        AttachedVolume.IsDamage(new(StorageErrorKind.Io, "data/vm1", "could not be kept", corrupt)).ShouldBeFalse();
    }
}
