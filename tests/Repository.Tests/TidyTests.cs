using EveStorage.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EveStorage.Tests;

/// <summary>The rules of CONTRIBUTING.md that a machine can hold us to.</summary>
public class TidyTests
{
    private const int MaxMethodLines = 60;
    private const int MaxFileLines = 400;
    private const string NativeFile = "src/Linux/OwnCalls.cs";

    // Whatever a step throws, what came before it has to be undone and told, and the next operation recovered; and a verb ends with a line and an exit code.
    private static readonly string[] s_runnerFiles =
    [
        "src/Host/Operations/PlanRunner.cs",
        "src/Host/Operations/OperationRunner.cs",
        "src/Host/Operations/OperationRunner.Recovery.cs",
        "src/Cli/Invocation.cs",
    ];

    private static readonly string[] s_vague = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Service", "Processor", "Handler"];

    [Fact]
    public void The_product_is_tidy()
        => RepositoryFiles.Sources.SelectMany(Check).ShouldBeEmpty();

    [Fact]
    public void The_tests_are_no_longer_than_the_product_may_be()
        => Directory.EnumerateFiles(RepositoryFiles.Path("tests"), "*.cs", SearchOption.AllDirectories)
            .Where(path => File.ReadAllLines(path).Length > MaxFileLines)
            .ShouldBeEmpty();

    [Fact]
    public void Nothing_is_left_to_do_in_a_comment()
        => RepositoryFiles.Sources
            .Where(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path)).GetRoot().DescendantTrivia().Any(IsLeftToDo))
            .ShouldBeEmpty();

    private static bool IsLeftToDo(SyntaxTrivia trivia)
        => (trivia.IsKind(SyntaxKind.SingleLineCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineCommentTrivia))
            && Array.Exists(["TO" + "DO", "FIX" + "ME", "HA" + "CK"], mark => trivia.ToString().Contains(mark, StringComparison.Ordinal));

    private static IEnumerable<string> Check(string path)
    {
        SyntaxTree tree = CSharpSyntaxTree.ParseText(File.ReadAllText(path), path: path);
        string file = Path.GetRelativePath(RepositoryFiles.Root, path);
        int fileLines = tree.GetText().Lines.Count;
        if (fileLines > MaxFileLines)
        {
            yield return $"{file}: {fileLines} lines; the most is {MaxFileLines}";
        }

        foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
        {
            int line = tree.GetLineSpan(node.Span).StartLinePosition.Line + 1;
            switch (node)
            {
                case MethodDeclarationSyntax method when LinesOf(method) > MaxMethodLines:
                    yield return $"{file}:{line}: {method.Identifier} has {LinesOf(method)} lines; the most is {MaxMethodLines}";
                    break;
                case BaseTypeDeclarationSyntax type when Array.Exists(s_vague, v => type.Identifier.Text.EndsWith(v, StringComparison.Ordinal)):
                    yield return $"{file}:{line}: {type.Identifier} does not say what it is";
                    break;
                case AttributeSyntax { Name: var name } when name.ToString() is "LibraryImport" or "DllImport" && file != NativeFile:
                    yield return $"{file}:{line}: a native call outside {NativeFile}";
                    break;
                case CatchClauseSyntax clause when Swallows(clause) && !s_runnerFiles.Contains(file):
                    yield return $"{file}:{line}: catches everything and goes on";
                    break;
                case FieldDeclarationSyntax field when field.Modifiers.Any(SyntaxKind.StaticKeyword) && !field.Modifiers.Any(SyntaxKind.ReadOnlyKeyword):
                    yield return $"{file}:{line}: state that all share";
                    break;
                case MemberAccessExpressionSyntax { Name.Identifier.Text: "GetResult", Expression: InvocationExpressionSyntax }:
                    yield return $"{file}:{line}: blocks a thread on a task; await it";
                    break;
                case MemberAccessExpressionSyntax { Name.Identifier.Text: "ConfigureAwait" }:
                    yield return $"{file}:{line}: there is no synchronization context to avoid";
                    break;
            }
        }

        int LinesOf(SyntaxNode node)
        {
            FileLinePositionSpan span = tree.GetLineSpan(node.Span);
            return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
        }
    }

    // Letting go of what was taken and throwing on is no swallowing.
    private static bool Swallows(CatchClauseSyntax clause)
        => clause.Filter is null
            && clause.Declaration?.Type.ToString() is null or "Exception"
            && clause.Block.Statements.LastOrDefault() is not ThrowStatementSyntax { Expression: null };
}
