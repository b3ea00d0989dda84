using EveStorage.Lvm;
using EveStorage.Tests;
using EveStorage.ZfsStreamImport;

namespace EveStorage.LvmTrial;

/// <summary>Real streams of ZFS, replayed onto logical volumes: <c>streams DRIVE</c>.</summary>
internal static class StreamTrial
{
    private const int Cuts = 20;

    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        Machine machine = new("streams", new() { MaxVolumes = 16 }, drives[0]);
        await machine.CreateAsync(PoolRedundancy.None);
        await using IStoragePool pool = await machine.OpenAsync();
        ImageImport import = new(pool, ImageImport.FormatOf(new ZfsStreamImportPlugin()));
        // From its first volume on the thin pool itself is there for the kernel, too.
        await import.TryAsync(new MemorySource(RealStreamCases.All.First().Bytes));
        string before = await LookAsync();
        foreach ((string name, byte[] bytes, string content) in RealStreamCases.All)
        {
            await said.SayAsync($"{name} becomes what the volume held, and nothing when it is cut or a byte of it is another", async () =>
            {
                string? digest = await import.TryAsync(new MemorySource(bytes));
                Sentences.Require(digest == content, $"it has {digest}, not {content}");
                Random random = new(bytes.Length);
                for (int i = 0; i < Cuts; i++)
                {
                    string? cut = await import.TryAsync(new MemorySource(bytes[..random.Next(bytes.Length)]));

                    // A chain that ends where one of its streams does is whole, and another volume.
                    Sentences.Require(cut is null || name.Contains(' '), "a cut one became a volume");
                }

                byte[] flipped = [.. bytes];
                flipped[(bytes.Length / 2) + random.Next(bytes.Length / 4)] ^= 0x40;
                string? other = await import.TryAsync(new MemorySource(flipped));
                Sentences.Require(other is null || other == content, "a flipped one became another volume");
                string after = await LookAsync();
                Sentences.Require(before == after, $"before: {before}; after: {after}");
            });
        }
    }

    private static async Task<string> LookAsync() => (await Machine.ShellAsync("lvs --noheadings -a -o vg_name,lv_name,lv_attr | sort; ls /dev/mapper")).Trim();
}
