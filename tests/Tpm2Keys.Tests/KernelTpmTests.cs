using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.Tpm2Keys;

namespace EveStorage.Tests;

/// <summary>The TPM as the kernel gives it, with its resource manager. It changes PCRs: the lab's guest runs this, and nothing else does.</summary>
public sealed class KernelTpmTests
{
    [Fact(Explicit = true)]
    public async Task The_kernels_TPM_gives_a_key_back_until_a_PCR_changes_and_keeps_nothing_of_it()
    {
        using TemporaryDirectory directory = new();
        TpmKeys keys = new(new() { Directory = directory["keys"] }, TimeProvider.System);
        KeyName name = new("data");
        (await keys.ProbeAsync(default)).ShouldBeEmpty();
        await RunningPlans.RunAsync(await keys.PlanCreateAsync(name, 64, default), new() { Id = Guid.NewGuid() }, default);
        byte[] before = await File.ReadAllBytesAsync(Path.Combine(directory["keys"], "data.json"));
        using (KeyMaterial key = await keys.GetAsync(name, default))
        {
            key.Bytes.Length.ShouldBe(64);
        }

        await RunAsync("tpm2_pcrextend", $"7:sha256={new string('1', 64)}");

        StorageException locked = await Should.ThrowAsync<StorageException>(async () => await keys.GetAsync(name, default));
        locked.Kind.ShouldBe(StorageErrorKind.Unavailable);
        locked.Message.ShouldContain("locked: PCR 7 of sha256 changed");
        (await File.ReadAllBytesAsync(Path.Combine(directory["keys"], "data.json"))).ShouldBe(before);
        (await RunAsync("tpm2_getcap", "handles-transient") + await RunAsync("tpm2_getcap", "handles-loaded-session")).Trim().ShouldBeEmpty();
    }

    private static Task<string> RunAsync(string program, string argument)
        => Command.Find(program)!.RunAsync(["-T", "device:/dev/tpmrm0", argument], default);
}
