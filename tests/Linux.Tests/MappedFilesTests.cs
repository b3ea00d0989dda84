using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>Libraries of this very process, which goes on meanwhile.</summary>
public sealed class MappedFilesTests
{
    [Fact]
    public void Who_lets_go_of_its_libraries_goes_on_with_them()
    {
        MappedFiles.LetGo().ShouldBeGreaterThan(1 << 20);

        new System.Text.RegularExpressions.Regex("^(a|b)+$").IsMatch("abab").ShouldBeTrue();
        new System.Xml.XmlDocument().ShouldNotBeNull();
    }
}
