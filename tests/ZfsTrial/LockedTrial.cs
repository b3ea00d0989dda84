namespace EveStorage.ZfsTrial;

/// <summary>Keys: <c>locked DRIVE</c>, an encrypted pool.</summary>
internal static class LockedTrial
{
    internal static async Task RunAsync(Sentences said, string[] drives)
    {
        VolumeName volume = new("secret");
        Machine machine = new("locked", new() { Encryption = "aes-256-gcm", Compression = "off" }, drives);
        await said.SayAsync("An encrypted pool claims that, and what is written is on no drive as it was", async () =>
        {
            await machine.CreateAsync(PoolRedundancy.None);
            await using IStoragePool pool = await machine.OpenAsync();
            Sentences.Require(pool.Capabilities.Traits.HasFlag(VolumeTraits.Encrypted), $"{pool.Capabilities.Traits}");
            await Machine.RunAsync(pool.PlanCreateAsync(new() { Name = volume, Form = VolumeForm.Block, Size = ByteSize.MiB(8), Traits = VolumeTraits.Encrypted }, default), $"{volume}");
            await using (IBlockSource blocks = await pool.OpenBlocksAsync(volume, BlockAccess.ReadWrite, default))
            {
                byte[] text = new byte[1 << 20];
                for (int at = 0; at < text.Length; at += 16)
                {
                    "evestorage-plain"u8.CopyTo(text.AsSpan(at));
                }

                await blocks.WriteAsync(0, text, WriteDurability.Stable, default);
            }

            string found = await Machine.ShellAsync($"zpool sync; grep -c evestorage-plain $(lab-disk {drives[0].Split(':')[1]}) || true");
            Sentences.Require(found.Trim() == "0", $"it is there in {found} lines");
        });
        await said.SayAsync("A pool whose key is not there, or is another one, stays locked, and opens when it is", async () =>
        {
            await Machine.RunAsync(machine.Backend.PlanClosePoolAsync(machine.Name, default));
            machine.Keys.IsLost = true;
            StorageException e = await Sentences.RefusedAsync(StorageErrorKind.Unavailable, async () => await (await machine.OpenAsync()).DisposeAsync());
            Sentences.Require(e.Message.Contains("pool-locked", StringComparison.Ordinal), e.Message);
            machine.Keys.IsLost = false;
            machine.Keys.IsWrong = true;
            await Sentences.RefusedAsync(StorageErrorKind.Conflict, async () => await (await machine.OpenAsync()).DisposeAsync());
            machine.Keys.IsWrong = false;
            await using IStoragePool pool = await machine.OpenAsync();
            await using IBlockSource blocks = await pool.OpenBlocksAsync(volume, BlockAccess.Read, default);
            byte[] page = new byte[4096];
            await blocks.ReadAsync(0, page, default);
            Sentences.Require(page.AsSpan().StartsWith("evestorage-plain"u8), "it reads otherwise");
        });
    }
}
