namespace EveStorage.Tests;

/// <summary>
/// The kernel's transports, by tests that run inside a guest and change its kernel: the promises of every transport for
/// nvmet-tcp and nvmet-loop, keys, devices that don't answer, LIO by tcm_loop, and what 6.1 refuses.
/// </summary>
public sealed class KernelTransportTests
{
    [Theory]
    [InlineData("EveStorage.Nvmet.Tests", "KernelConformanceTests.Nvmet_tcp*", 17)]
    [InlineData("EveStorage.Nvmet.Tests", "KernelConformanceTests.Nvmet_loop*", 12)]
    [InlineData("EveStorage.Nvmet.Tests", "KernelTroubleTests*", 2, "6.1")]
    public Task Tests_that_change_the_kernel_pass_in_a_guest(string project, string tests, int passed, string kernel = "6.12") => PassAsync(project, tests, passed, kernel);

    [Theory]
    [InlineData("EveStorage.Nvmet.Tests", "KernelKeysTests*", 4)]
    [InlineData("EveStorage.Nvmet.Tests", "KernelTroubleTests*", 4)]
    [InlineData("EveStorage.VhostScsi.Tests", "KernelTests*", 5)]
    public Task So_do_those_of_keys_of_devices_that_do_not_answer_and_of_LIO(string project, string tests, int passed)
    {
        Guest.RequireLong();
        return PassAsync(project, tests, passed, "6.12");
    }

    private static async Task PassAsync(string project, string tests, int passed, string kernel)
    {
        Guest.Require();
        // One processor: two of them wait for each other's locks under emulation on a busy machine.
        await using Guest guest = await Guest.StartAsync("--kernel", kernel, "--smp", "1", "--share", InGuest.Built(project));

        string said = await guest.RunAsync(InGuest.Run(project, tests, kernel), 1500);

        said.ShouldContain("Failed: 0");
        InGuest.PassedIn(said).ShouldBe(passed, said);
    }
}
