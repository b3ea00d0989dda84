using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>The real program, its worker and a real pool in a directory.</summary>
public sealed class ProgramTests(BuiltProgram program) : IClassFixture<BuiltProgram>
{
    private static readonly bool s_long = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    [Fact]
    public async Task What_a_volume_held_is_what_its_stream_is_imported_as()
    {
        int number = 0;
        (string Name, byte[] Bytes, string Content)[] all = [.. RealStreamCases.All];
        foreach ((string name, byte[] bytes, string content) in s_long ? all : all.Where((_, i) => i % 10 == 0))
        {
            JsonElement imported = await program.DoAsync("image", "import", program.Put(bytes), $"data/{++number}", "--verify");

            imported.GetProperty("results").GetProperty("sha256").GetString().ShouldBe(content, name);
        }
    }

    [Fact]
    public async Task What_is_refused_leaves_the_pool_as_it_was()
    {
        string before = program.Pool();
        foreach ((string name, string sentence) in RealStreamCases.Refused.Where((_, i) => s_long || i % 7 == 0))
        {
            (await program.RefusedAsync("image", "import", program.Put(RealStreams.Bytes(name)), "data/vm1")).ShouldContain(sentence, customMessage: name);
            program.Pool().ShouldBe(before, name);
        }
    }

    [Fact]
    public async Task A_stream_that_turns_out_bad_on_the_way_leaves_the_pool_as_it_was()
    {
        string before = program.Pool();
        Random random = new(5);
        byte[] bytes = RealStreams.Bytes("vol-zstd-16k.c.zs").ToArray();
        for (int i = 0; i < (s_long ? 40 : 2); i++)
        {
            int at = random.Next(1000, bytes.Length);
            bytes[at] ^= 0x40;
            await program.RefusedAsync("image", "import", program.Put(i % 2 == 0 ? bytes : bytes[..at]), "data/vm1");
            bytes[at] ^= 0x40;
            program.Pool().ShouldBe(before, $"at {at}");
        }
    }

    [Fact]
    public async Task A_size_bounds_it_and_a_larger_one_is_filled_with_zeros()
    {
        string image = program.Put(RealStreams.Bytes("vol-lz4-16k.c.zs"));

        (await program.RefusedAsync("image", "import", image, "data/larger", "--size", "1MiB")).ShouldContain("has a disk of 2MiB, more than 1MiB");
        await program.DoAsync("image", "import", image, "data/larger", "--size", "3MiB", "--verify");

        byte[] volume = await File.ReadAllBytesAsync(program["pool/volumes/larger/image"]);
        byte[] disk = await Replay.DiskAsync(RealStreams.Bytes("vol-lz4-16k.c.zs"));
        volume.Length.ShouldBe(3 << 20);
        volume.AsSpan(0, 2 << 20).SequenceEqual(disk).ShouldBeTrue();
        volume.AsSpan(2 << 20).ContainsAnyExcept((byte)0).ShouldBeFalse();
    }

    [Fact]
    public async Task One_that_can_t_be_imported_is_inspected_all_the_same()
    {
        JsonElement report = await program.DoAsync("image", "inspect", program.Put(RealStreams.Bytes("fs-enc.w.zs")));

        report.GetProperty("format").GetString().ShouldBe("zfs-stream");
        report.GetProperty("details").GetProperty("of").GetString().ShouldBe("file system");
        report.GetProperty("details").GetProperty("snapshot").GetString().ShouldBe("tank/f/enc@s1");
        report.GetProperty("refusal").GetProperty("message").GetString().ShouldNotBeNull().ShouldContain("ZFS pool");
    }

    [Fact]
    public async Task A_volume_is_saved_as_a_stream_and_comes_back()
    {
        string content = RealStreams.Named("vol-lz4-16k.c.zs").Content;
        await program.DoAsync("image", "import", program.Put(RealStreams.Bytes("vol-lz4-16k.c.zs")), "data/saved");

        await program.DoAsync("image", "save", "data/saved", program["saved.zs"], "--format", "zfs-stream");
        JsonElement imported = await program.DoAsync("image", "import", program["saved.zs"], "data/again", "--verify");

        imported.GetProperty("results").GetProperty("sha256").GetString().ShouldBe(content);
    }
}
