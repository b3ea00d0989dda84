using EveStorage.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EveStorage.Tests;

/// <summary>That a test can fail.</summary>
public class PromiseTests
{
    private static readonly MethodDeclarationSyntax[] s_methods =
        [.. Directory.EnumerateFiles(RepositoryFiles.Path("tests"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), path: path).GetRoot().DescendantNodes().OfType<MethodDeclarationSyntax>())];

    private static IEnumerable<MethodDeclarationSyntax> Tests
        => s_methods.Where(m => m.AttributeLists.SelectMany(list => list.Attributes).Any(a => a.Name.ToString() is "Fact" or "Theory"));

    [Fact]
    public void A_test_asserts_something()
    {
        HashSet<string> asserting = Asserting();

        Tests.ShouldNotBeEmpty();
        Tests.Where(test => !asserting.Contains(test.Identifier.Text)).Select(Place).ShouldBeEmpty();
    }

    /// <summary>The methods that assert, or call one that does; told by their names, so a method is taken for another of its name.</summary>
    private static HashSet<string> Asserting()
    {
        ILookup<string, string> words = s_methods
            .SelectMany(m => m.DescendantTokens().Where(t => t.IsKind(SyntaxKind.IdentifierToken) && t != m.Identifier).Select(t => (Method: m.Identifier.Text, Word: t.Text)))
            .ToLookup(w => w.Method, w => w.Word);
        HashSet<string> asserting = [];
        int before;
        do
        {
            before = asserting.Count;
            asserting.UnionWith(words.Where(w => w.Any(word => IsAssertion(word) || asserting.Contains(word))).Select(w => w.Key));
        }
        while (asserting.Count > before);

        return asserting;
    }

    // Sample is CsCheck's, whose properties may answer with false.
    private static bool IsAssertion(string word) => word is "Assert" or "Sample" || word.StartsWith("Should", StringComparison.Ordinal);

    [Fact]
    public void A_test_waits_for_what_it_tries()
        => s_methods.Where(m => m.ReturnType.ToString() == "void" && m.ExpressionBody is { } body && body.DescendantTokens().Any(token => token.IsKind(SyntaxKind.IdentifierToken) && token.Text == "SampleAsync")).Select(Place)
            .ShouldBeEmpty("they end before they have tried anything: return the task");

    private static string Place(MethodDeclarationSyntax method)
        => $"{Path.GetRelativePath(RepositoryFiles.Root, method.SyntaxTree.FilePath)}: {method.Identifier.Text}";
}
