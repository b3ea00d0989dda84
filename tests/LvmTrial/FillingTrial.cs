using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>Pools without room: <c>filling DRIVE DRIVE</c>.</summary>
internal static class FillingTrial
{
    private static readonly VolumeName s_large = new("large");

    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        Machine machine = new("full", new() { MaxVolumes = 16, Overcommit = 4 }, drives[0]);
        await machine.CreateAsync(PoolRedundancy.None);
        await using IStoragePool pool = await machine.OpenAsync();
        PoolStatus empty = await pool.GetStatusAsync(default);
        await said.SayAsync("More than Overcommit allows is refused, with both numbers", async () =>
        {
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.OutOfSpace, () => MakeAsync(pool, s_large, new(empty.Size.Bytes * 5)));
            Sentences.Require(e.Message.Contains($"of {empty.Size}", StringComparison.Ordinal) && e.Message.Contains("4 times", StringComparison.Ordinal), e.Message);
        });
        await MakeAsync(pool, s_large, new(empty.Size.Bytes * 2));
        await said.SayAsync("A pool that is filled gives its writers no room, and its status warns before", () => FillAsync(pool));
        await said.SayAsync("What is full says so and what to do, and takes no snapshot", async () =>
        {
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Health != PoolHealth.Healthy && status.Problems.Any(problem => problem.Contains("pool add", StringComparison.Ordinal)), string.Join("; ", status.Problems));
        });
        await said.SayAsync("A drive that is added gives writers room again", async () =>
        {
            await Machine.RunAsync(((IDrivePool)pool).PlanAddDriveAsync(drives[1], default));
            PoolStatus status = await pool.GetStatusAsync(default);
            Sentences.Require(status.Size > empty.Size && status.Drives.Count == 2, $"the size is {status.Size}");
            await using IBlockSource blocks = await pool.OpenBlocksAsync(s_large, BlockAccess.ReadWrite, default);
            await blocks.WriteAsync(0, new byte[1 << 20], WriteDurability.Stable, default);
        });
        await said.SayAsync("What was written before it was full is there", async () =>
        {
            await using IBlockSource blocks = await pool.OpenBlocksAsync(s_large, BlockAccess.Read, default);
            byte[] page = new byte[4096];
            await blocks.ReadAsync(1 << 20, page, default);
            Sentences.Require(page.All(b => b == 7), $"it is {page[0]}");
        });
    }

    private static async Task FillAsync(IStoragePool pool)
    {
        byte[] piece = new byte[4 << 20];
        Array.Fill(piece, (byte)7);
        bool warned = false;
        await using IBlockSource blocks = await pool.OpenBlocksAsync(s_large, BlockAccess.ReadWrite, default);
        await Sentences.RefusedAsync(StorageErrorKind.OutOfSpace, async () =>
        {
            for (long at = 0, told = 0; at + piece.Length <= blocks.Size.Bytes; at += piece.Length)
            {
                await blocks.WriteAsync(at, piece, WriteDurability.Stable, default);
                if (at - told > 16 << 20)
                {
                    told = at;
                    warned |= (await pool.GetStatusAsync(default)).Problems.Any(problem => problem.Contains("its data is", StringComparison.Ordinal));
                }
            }
        });
        Sentences.Require(warned, "its status told of nothing");
    }

    private static Task<OperationRequest> MakeAsync(IStoragePool pool, VolumeName name, ByteSize size)
        => Machine.RunAsync(pool.PlanCreateAsync(new() { Name = name, Form = VolumeForm.Block, Size = size }, default), $"{name}");
}
