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

        string said = await Programs.OutputAsync(RepositoryFiles.Path("tests/scenario.sh"), RepositoryFiles.Path($"profiles/{profile}.json"));

        said.ShouldEndWith("scenario: passed\n");
    }
}
