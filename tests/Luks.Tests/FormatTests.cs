using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

public class FormatTests
{
    [Fact]
    public async Task What_is_empty_gets_a_header_with_the_mark_and_its_key_opens_it()
    {
        using Below below = new();

        OperationRequest request = await below.FormatAsync();

        below.Header.ShouldNotBeNull().ShouldSatisfyAllConditions(
            header => header.Mark.ShouldBe(OwnerMark.Of(request.Id)),
            header => header.IsWhole.ShouldBeTrue(),
            header => header.Keys.ShouldBe(1));
        (await below.OpensAsync("first")).ShouldBeTrue();
        (await below.OpensAsync("second")).ShouldBeFalse();
    }

    [Fact]
    public async Task The_header_takes_what_the_layer_says_and_has_what_was_configured()
    {
        using Below below = new();
        below.Options.SectorSize = new(4096);
        below.Options.KeyBits = 256;
        await below.FormatAsync();

        string metadata = await Command.Find("cryptsetup")!.RunAsync(["luksDump", "--dump-json-metadata", below.Path], default);

        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(metadata);
        System.Text.Json.JsonElement segment = json.RootElement.GetProperty("segments").GetProperty("0");
        segment.GetProperty("offset").GetString().ShouldBe($"{below.Layer.Capabilities.Overhead.Bytes}");
        segment.GetProperty("sector_size").GetInt32().ShouldBe(4096);
        segment.GetProperty("encryption").GetString().ShouldBe("aes-xts-plain64");
        json.RootElement.GetProperty("keyslots").GetProperty("0").GetProperty("key_size").GetInt32().ShouldBe(32);
        json.RootElement.GetProperty("keyslots").GetProperty("0").GetProperty("kdf").GetProperty("type").GetString().ShouldBe("pbkdf2");
    }

    [Theory]
    [InlineData("mkfs.ext4", "ext4")]
    [InlineData("mkfs.xfs", "xfs")]
    [InlineData("mkswap", "swap")]
    public async Task What_somebody_wrote_is_refused_and_keeps_its_bytes(string program, string found)
    {
        using Below below = new();
        below.Resize(ByteSize.MiB(320));
        await below.ToolAsync(program, "-q");

        await RefusedAsync(below, found);
    }

    [Fact]
    public async Task Somebodys_LUKS_is_refused_and_keeps_its_bytes()
    {
        using Below below = new();
        await File.WriteAllBytesAsync($"{below.Path}.key", below.Keys.Of("first"));
        await Command.Find("cryptsetup")!.RunAsync(
            ["luksFormat", "--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", below.Path, $"{below.Path}.key"], default);

        await RefusedAsync(below, "not ours");
    }

    [Fact]
    public async Task A_partition_table_alone_is_enough_to_refuse()
    {
        using Below below = new();
        byte[] table = new byte[512];
        byte[] linuxAtOneMebibyte = [0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0];
        linuxAtOneMebibyte.CopyTo(table, 446);
        (table[510], table[511]) = (0x55, 0xAA);
        WriteAt(below.Path, 0, table);

        await RefusedAsync(below, "dos");
    }

    [Fact]
    public async Task A_drive_that_does_not_begin_with_zeros_is_refused_and_a_volume_is_not()
    {
        using Below drive = new(LayerPlacement.UnderPool);
        using Below volume = new();
        WriteAt(drive.Path, 20_000, [1]);
        WriteAt(volume.Path, 20_000, [1]);

        await RefusedAsync(drive, "does not begin with zeros");
        await volume.FormatAsync();

        (await volume.OpensAsync("first")).ShouldBeTrue();
    }

    [Fact]
    public async Task Doing_it_again_in_the_same_operation_is_a_change_still_and_writes_nothing()
    {
        using Below below = new();
        OperationRequest request = await below.FormatAsync();
        string before = below.Hash();

        IReadOnlyList<StorageStep> changed = await RunningPlans.RunAsync(await below.Layer.PlanFormatAsync(below.Site, default), request, default);

        changed.Count.ShouldBe(1);
        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task What_another_operation_encrypted_with_the_same_key_is_already_so()
    {
        using Below below = new();
        await below.FormatAsync();

        (await Below.RunAsync(below.Layer.PlanFormatAsync(below.Site, default))).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_was_encrypted_with_another_key_is_refused_and_keeps_its_bytes()
    {
        using Below below = new();
        await below.FormatAsync();
        below.Keys.Put("first", 64);

        await RefusedAsync(below, "the key first does not open it");
    }

    [Fact]
    public async Task A_header_that_a_crash_left_without_a_key_is_made_anew_by_its_operation_and_refused_to_others()
    {
        using Below below = new(LayerPlacement.UnderPool);
        OperationRequest request = await below.FormatAsync();
        await below.ToolAsync("cryptsetup", "luksErase", "--batch-mode");

        await RefusedAsync(below, "a header without a key");
        await below.FormatAsync(request);

        (await below.OpensAsync("first")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_header_that_a_crash_left_torn_is_made_anew_by_its_operation()
    {
        using Below below = new(LayerPlacement.UnderPool);
        OperationRequest request = await below.FormatAsync();
        WriteAt(below.Path, 4200, new byte[60_000]);

        below.Header.ShouldNotBeNull().IsWhole.ShouldBeFalse();
        await below.FormatAsync(request);

        (await below.OpensAsync("first")).ShouldBeTrue();
    }

    [Fact]
    public async Task Undoing_leaves_the_drive_as_it_was_and_touches_no_other_operations_header()
    {
        using Below below = new(LayerPlacement.UnderPool);
        string before = below.Hash();
        Plan plan = await below.Layer.PlanFormatAsync(below.Site, default);
        OperationRequest request = await below.FormatAsync();
        string formatted = below.Hash();

        await UndoAsync(plan, Below.Request());
        below.Hash().ShouldBe(formatted);
        await UndoAsync(plan, request);

        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task A_key_that_is_missing_or_short_is_told_before_anything_is_written()
    {
        using Below below = new();
        string before = below.Hash();
        below.Keys.Put("first", 31);

        (await Should.ThrowAsync<StorageException>(() => below.FormatAsync())).Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        below.Keys.Remove("first");
        (await Should.ThrowAsync<StorageException>(() => below.FormatAsync())).Kind.ShouldBe(StorageErrorKind.NotFound);

        below.Hash().ShouldBe(before);
    }

    [Fact]
    public async Task What_has_no_room_for_a_header_is_refused()
    {
        using Below below = new();
        below.Resize(ByteSize.MiB(16));

        (await Should.ThrowAsync<StorageException>(() => below.FormatAsync())).Kind.ShouldBe(StorageErrorKind.OutOfSpace);
    }

    private static async Task RefusedAsync(Below below, string why)
    {
        string before = below.Hash();

        StorageException refused = await Should.ThrowAsync<StorageException>(() => below.FormatAsync());

        refused.Kind.ShouldBe(StorageErrorKind.Conflict);
        refused.Message.ShouldContain(why);
        below.Hash().ShouldBe(before);
    }

    private static async Task UndoAsync(Plan plan, OperationRequest request)
        => await plan.Steps.Single().RevertAsync(new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System), default);

    private static void WriteAt(string path, long offset, byte[] bytes)
    {
        using FileStream file = File.OpenWrite(path);
        file.Position = offset;
        file.Write(bytes);
    }
}
