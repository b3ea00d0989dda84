using System.Globalization;
using System.Security.Cryptography;
using EveStorage.Tests;

namespace EveStorage.ZfsTrial;

/// <summary>
/// Real streams, received by ZFS itself: <c>streams DRIVE</c>, or <c>streams-encrypted DRIVE</c> where what is received is encrypted on
/// its way in.
/// </summary>
internal static class StreamTrial
{
    // The passphrase of the volume that enc-aes-128-ccm.w.zs is of.
    internal const string Passphrase = "correct horse 1";

    private const int Cut = 700_000;

    private static readonly VolumeName s_made = new("made");

    internal static async Task RunAsync(Sentences said, bool encrypted, string[] drives)
    {
        Machine machine = new("streams", new() { Encryption = encrypted ? "aes-256-gcm" : "off" }, drives[0]);
        await machine.CreateAsync(PoolRedundancy.None);
        await using IStoragePool pool = await machine.OpenAsync();
        foreach ((string name, byte[] bytes, string content) in RealStreamCases.All.Where(stream => !stream.Name.StartsWith("origin", StringComparison.Ordinal)))
        {
            bool isEmbedded = encrypted && name.Split(' ').Any(IsEmbedded);
            await said.SayAsync($"ZFS makes of {name} {(isEmbedded ? "nothing, and is not asked to: it would have to be replayed" : "what the volume held")}", async () =>
            {
                if (isEmbedded)
                {
                    await Sentences.RefusedAsync(StorageErrorKind.NotSupported, () => ReceiveAsync(pool, s_made, bytes));
                    return;
                }

                await ReceiveAsync(pool, s_made, bytes);
                await RequireAsync(pool, s_made, content);
                await TrialMachine.EmptyAsync(pool);
            });
        }

        await RefusedAsync(said, pool);
        await GoOnAsync(said, pool);
        await IncrementalAsync(said, pool);
        await RawAsync(said, machine, pool);
    }

    // Sent with -e, or -w of a volume that is not encrypted; what is, has none.
    private static bool IsEmbedded(string stream)
        => !stream.StartsWith("enc-", StringComparison.Ordinal) && (stream.Contains(".Lec.", StringComparison.Ordinal) || stream is "vol-lz4-16k.e.zs" or "vol-lz4-16k.w.zs");

    private static async Task RefusedAsync(Sentences said, IStoragePool pool)
    {
        string before = await LookAsync();
        foreach ((string name, StorageErrorKind kind) in ((string, StorageErrorKind)[])
        [
            ("tree.R.zs", StorageErrorKind.NotSupported), ("fs-lz4-128k.Lec.zs", StorageErrorKind.NotSupported), ("layer.diff.zs", StorageErrorKind.NotSupported),
            ("vol-res.resumed.zs", StorageErrorKind.NotSupported), ("vol-inc.i12.zs", StorageErrorKind.NotFound), ("clone.i-origin.zs", StorageErrorKind.NotFound),
            ("vol-res.cut.zs", StorageErrorKind.Corrupt), ("origin clone.i-origin.zs", StorageErrorKind.NotSupported),
        ])
        {
            await said.SayAsync($"{name} is refused, and leaves nothing", async () =>
            {
                await Sentences.RefusedAsync(kind, () => ReceiveAsync(pool, s_made, [.. name.Split(' ').SelectMany(RealStreamCases.BytesOf)]));
                string after = await LookAsync();
                Sentences.Require(before == after, $"before: {before}; after: {after}");
            });
        }

        Random random = new(5);
        foreach (string name in (string[])["vol-lz4-16k.plain.zs", "vol-inc.R.zs", "vol-zstd-16k.c.zs"])
        {
            byte[] bytes = RealStreams.Bytes(name).ToArray();
            await said.SayAsync($"{name} is refused when it is cut anywhere, or a byte of it is another, and leaves nothing", async () =>
            {
                for (int i = 0; i < 6; i++)
                {
                    int at = random.Next(1000, bytes.Length - 1000);
                    bytes[at] ^= 0x40;
                    await Sentences.RefusedAsync(StorageErrorKind.Corrupt, () => ReceiveAsync(pool, s_made, i % 2 == 0 ? bytes : bytes[..at], canSeek: i % 3 != 0));
                    bytes[at] ^= 0x40;
                    string after = await LookAsync();
                    Sentences.Require(before == after, $"at {at}, before: {before}; after: {after}");
                }
            });
        }
    }

    // As after a crash: what was received is there, and the operation is planned again.
    private static async Task GoOnAsync(Sentences said, IStoragePool pool)
    {
        byte[] bytes = RealStreams.Bytes("vol-res.full.zs");
        foreach (string how in (string[])["the same image", "an image that was cut and is whole now"])
        {
            await said.SayAsync($"A receive that was cut short goes on with {how}, and does not begin anew", async () =>
            {
                OperationRequest request = EveStorage.Testing.RunningPlans.RequestFor($"{s_made}");
                OperationContext context = EveStorage.Testing.RunningPlans.ContextOf(request);
                IImageSource part = how[0] == 't' ? new BrokenSource(bytes, Cut) : new MemorySource(bytes[..Cut]);
                Plan first = await ((IImageReceiver)pool).PlanReceiveAsync(SpecOf(s_made), "zfs-stream", part, default);
                await Sentences.RefusedAsync(how[0] == 't' ? StorageErrorKind.Io : StorageErrorKind.Corrupt, async () => await first.Steps[0].ApplyAsync(context, default));
                string making = (await Machine.ShellAsync("zfs list -Hp -o name,createtxg,receive_resume_token -r evestorage-streams/volumes | grep /_")).Trim();
                string[] words = making.Split('\t');
                Sentences.Require(words.Length == 3 && words[2].StartsWith("1-", StringComparison.Ordinal), $"there is no token: {making}");
                Plan again = await ((IImageReceiver)pool).PlanReceiveAsync(SpecOf(s_made), "zfs-stream", new MemorySource(bytes), default);
                await EveStorage.Testing.RunningPlans.RunAsync(again, request, default);
                string made = (await Machine.ShellAsync("zfs list -Hp -o createtxg evestorage-streams/volumes/made")).Trim();
                Sentences.Require(made == words[1], $"it was made in {made}, not in {words[1]}");
                await RequireAsync(pool, s_made, RealStreams.Named("vol-res.full.zs").Content);
                await TrialMachine.EmptyAsync(pool);
            });
        }
    }

    private static async Task IncrementalAsync(Sentences said, IStoragePool pool)
    {
        VolumeName later = new("later");
        VolumeName latest = new("latest");
        await said.SayAsync("A stream that goes on from a snapshot of the pool becomes a volume beside that of the snapshot", async () =>
        {
            await ReceiveAsync(pool, s_made, RealStreams.Bytes("vol-inc.full.zs"));
            await Pages.WriteAsync(pool, s_made, 0, 7);
            await ReceiveAsync(pool, later, RealStreams.Bytes("vol-inc.i12.zs"));
            await RequireAsync(pool, later, RealStreams.Named("vol-inc.i12.zs").Content);
            await Pages.RequireAsync(pool, s_made, 0, 7);
        });
        await said.SayAsync("... and one that goes on from that, too, in a package of several", async () =>
        {
            await ReceiveAsync(pool, latest, RealStreams.Bytes("vol-inc.I14.zs"));
            await RequireAsync(pool, latest, RealStreams.Named("vol-inc.I14.zs").Content);
            int snapshots = await ((ISnapshotPool)pool).ListSnapshotsAsync(latest, default).CountAsync();
            Sentences.Require(snapshots == 3, $"it has {snapshots} snapshots");
        });
        await said.SayAsync("The snapshot that a stream brought is one to roll back to", async () =>
        {
            await Machine.RunAsync(((ISnapshotPool)pool).PlanRollbackAsync(new(s_made, "s1"), default));
            await RequireAsync(pool, s_made, RealStreams.Named("vol-inc.full.zs").Content);
        });
        await said.SayAsync("Volumes that share a snapshot go in any order", async () =>
        {
            ISnapshotPool snapshots = (ISnapshotPool)pool;
            await Machine.RunAsync(snapshots.PlanDeleteSnapshotAsync(new(s_made, "s1"), default));
            await Machine.RunAsync(pool.PlanDeleteAsync(s_made, default));
            await RequireAsync(pool, later, RealStreams.Named("vol-inc.i12.zs").Content);
            await TrialMachine.EmptyAsync(pool);
        });
    }

    private static async Task RawAsync(Sentences said, Machine machine, IStoragePool pool)
    {
        machine.Keys.IsLost = true;
        await said.SayAsync("What was encrypted when it was sent stays encrypted by its own key, and locked", async () =>
        {
            await ReceiveAsync(pool, s_made, RealStreams.Bytes("enc-aes-128-ccm.w.zs"));
            string properties = (await Machine.ShellAsync("zfs get -Hp -o value encryption,keystatus,encryptionroot evestorage-streams/volumes/made")).Trim().Replace('\n', ' ');
            Sentences.Require(properties == "aes-128-ccm unavailable evestorage-streams/volumes/made", properties);
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.Unavailable, async () => await (await pool.OpenBlocksAsync(s_made, BlockAccess.Read, default)).DisposeAsync());
            Sentences.Require(e.Message.Contains("volume-", StringComparison.Ordinal), e.Message);
        });
        machine.Keys.IsLost = false;
        await said.SayAsync("... and opens with its key", () => RequireAsync(pool, s_made, RealStreams.Named("enc-aes-128-ccm.w.zs").Content));
        await said.SayAsync("A raw stream that goes on from it does so below the same key", async () =>
        {
            VolumeName later = new("later");
            await ReceiveAsync(pool, later, RealStreams.Bytes("enc-aes-128-ccm.w.i.zs"));
            await RequireAsync(pool, later, RealStreams.Named("enc-aes-128-ccm.w.i.zs").Content);
        });
        await said.SayAsync("All of it can be deleted", () => TrialMachine.EmptyAsync(pool));
    }

    private static Task<OperationRequest> ReceiveAsync(IStoragePool pool, VolumeName name, byte[] bytes, bool canSeek = true)
        => Machine.RunAsync(((IImageReceiver)pool).PlanReceiveAsync(SpecOf(name), "zfs-stream", new MemorySource(bytes) { CanSeek = canSeek }, default), $"{name}");

    private static VolumeSpec SpecOf(VolumeName name) => new() { Name = name, Form = VolumeForm.Block, Size = ByteSize.MiB(2), Traits = VolumeTraits.Thin };

    private static async Task RequireAsync(IStoragePool pool, VolumeName name, string content)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(name, BlockAccess.Read, default);
        byte[] disk = new byte[blocks.Size.Bytes];
        await blocks.ReadAsync(0, disk, default);
        string digest = Convert.ToHexStringLower(SHA256.HashData(disk));
        Sentences.Require(digest == content, string.Create(CultureInfo.InvariantCulture, $"it has {disk.Length} bytes with {digest}, not {content}"));
    }

    private static async Task<string> LookAsync()
        => (await Machine.ShellAsync("zfs list -H -t all -o name -r evestorage-streams | sort | tr '\\n' ' '; ls /sys/block | grep -c ^zd || true")).Trim();

    /// <summary>An image whose drive fails at a place.</summary>
    private sealed class BrokenSource(byte[] bytes, int from) : IImageSource
    {
        public string Name => "volume.zs";

        public long? Length => bytes.Length;

        public bool CanSeek => true;

        public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            int length = (int)Math.Clamp(from - offset, 0, destination.Length);
            if (length == 0)
            {
                throw new StorageException(StorageErrorKind.Io, Name, "can't be read here, for the trial");
            }

            bytes.AsMemory((int)offset, length).CopyTo(destination);
            return new(length);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
