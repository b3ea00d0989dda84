using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The life of a volume, as a person would lead it.</summary>
public sealed class ScenarioTests
{
    [Theory]
    [InlineData("embedded")]
    public async Task The_scenario_passes_under_the_profile(string profile)
    {
        Guest.Require();

        await PassesAsync(RepositoryFiles.Path($"profiles/{profile}.json"));
    }

    [Theory]
    [InlineData("emmc-small", Guest.NewKernel)]
    [InlineData("single-ssd", Guest.NewKernel)]
    [InlineData("vm-in-cloud", Guest.NewKernel)]
    [InlineData("cluster-node", Guest.NewKernel)]
    [InlineData("server-zfs", Guest.NewKernelWithZfs)]
    [InlineData("server-zfs", Guest.OldKernelWithZfs)]
    [InlineData("emmc-small", Guest.OldKernel)]
    [InlineData("single-ssd", Guest.OldKernel)]
    [InlineData("vm-in-cloud", Guest.OldKernel)]
    public async Task The_scenario_passes_under_the_profile_and_what_the_kernel_lacks_is_refused(string profile, string kernel)
    {
        Guest.RequireLong();
        Guest.Require(kernel);

        await PassesAsync(RepositoryFiles.Path($"profiles/{profile}.json"), kernel);
    }

    private static async Task PassesAsync(params string[] words)
    {
        (int code, string said, string error) = await Programs.RunAsync(RepositoryFiles.Path("tests/scenario.sh"), words, 1500);

        code.ShouldBe(0, error);
        said.ShouldEndWith("scenario: passed\n");
    }
}
