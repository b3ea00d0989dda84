using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Keys that a TPM keeps, with the kernel's driver and its resource manager.</summary>
public sealed class TpmTests
{
    private const string Project = "EveStorage.Tpm2Keys.Tests";

    [Fact]
    public async Task A_key_is_given_back_by_the_kernels_TPM_until_other_software_runs()
    {
        Guest.RequireLong();
        Guest.Require();
        using TemporaryDirectory directory = new();
        string program = await TestsInGuest.PackAsync(directory, Project);
        await using Guest guest = await Guest.StartAsync("--tpm", directory["tpm"], "--disk", $"{program},virtio,tests,ro");

        (await TestsInGuest.RunAsync(guest, "tests", Project, "KernelTpmTests")).ShouldBe(1);
    }
}
