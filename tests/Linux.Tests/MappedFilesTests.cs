using System.Security.Cryptography;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>Libraries of this very process, which goes on meanwhile.</summary>
public sealed class MappedFilesTests
{
    [Fact]
    public void What_is_let_go_of_is_there_again_when_it_is_used()
    {
        byte[] library = File.ReadAllBytes(typeof(object).Assembly.Location);
        byte[] before = SHA256.HashData(library);
        IReadOnlySet<FileMapping> mapped = MappedFiles.Find();

        MappedFiles.LetGo(mapped).ShouldBeGreaterThan(1 << 20);

        SHA256.HashData(library).ShouldBe(before);
        new System.Text.RegularExpressions.Regex("^(a|b)+$").IsMatch("abab").ShouldBeTrue();
        MappedFiles.Find().Count.ShouldBeGreaterThanOrEqualTo(mapped.Count / 2, "they are mapped still");
    }

    [Fact]
    public void What_was_not_there_before_is_kept()
    {
        MappedFiles.LetGo(new HashSet<FileMapping>()).ShouldBe(0);
    }
}
