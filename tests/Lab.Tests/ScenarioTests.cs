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

    private static async Task PassesAsync(params string[] words)
    {
        (int code, string said, string error) = await Programs.RunAsync(RepositoryFiles.Path("tests/scenario.sh"), words, 1500);

        code.ShouldBe(0, error);
        said.ShouldEndWith("scenario: passed\n");
    }
}
