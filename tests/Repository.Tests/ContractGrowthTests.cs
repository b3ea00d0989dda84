using System.Reflection;
using System.Runtime.Loader;
using EveStorage.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EveStorage.Tests;

/// <summary>How the contract may grow: docs/decisions/0027-contract-versions.md has the rules and their reasons.</summary>
public class ContractGrowthTests
{
    private static readonly MetadataReference[] s_framework =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':').Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal)).Select(path => MetadataReference.CreateFromFile(path))];

    [Theory]
    [InlineData("public interface IPool { void Grow(); }", "public interface IPool { void Grow(); void Shrink(); }", "IPool: asks for System.Void Shrink()")]
    [InlineData("public interface IPool;", "public interface IPool : System.IDisposable;", "IPool: asks for System.IDisposable")]
    [InlineData("public interface IPool { void Grow(); }", "public interface IPool { void Grow(long size); }", "IPool: System.Void Grow() is gone", "IPool: asks for System.Void Grow(System.Int64)")]
    [InlineData("public abstract class Step;", "public abstract class Step { public abstract void Undo(); }", "Step: asks for System.Void Undo()")]
    [InlineData("public class Spec { public int Size { get; init; } }", "public class Spec { public required int Size { get; init; } }", "Spec: requires Size")]
    [InlineData("public enum Kind { Io, Busy }", "public enum Kind { Io, Full, Busy }", "Kind: Busy = 1 is gone")]
    [InlineData("public sealed class Run(long offset) { public long Offset => offset; }", "public sealed class Run(long offset, int number) { public long Offset => offset + number; }", "Run: .ctor(System.Int64) is gone")]
    [InlineData("public class Failure;", "public sealed class Failure;", "Failure was an open class of System.Object and is a sealed class of System.Object")]
    [InlineData("public class Spec { public int Size { get; init; } }", "public class Spec { public long Size { get; init; } }", "Spec: property System.Int32 Size is gone", "Spec: System.Int32 get_Size() is gone", "Spec: System.Void init set_Size(System.Int32) is gone")]
    [InlineData("public sealed class Key : System.IDisposable { public void Dispose() { } }", "public sealed class Key { public void Dispose() { } }", "Key: is System.IDisposable no more")]
    [InlineData("public interface IPool : System.IDisposable;", "public interface IPool;", "IPool: is System.IDisposable no more")]
    [InlineData("public abstract class Step { public virtual int Order => 1; }", "public abstract class Step { public int Order => 1; }", "Step: has System.Int32 get_Order() overridden no more")]
    [InlineData("public class Spec { public int Size { get; init; } }", "public class Spec { protected int Size { get; init; } }", "Spec: shows System.Int32 get_Size() no more", "Spec: shows System.Void init set_Size(System.Int32) no more")]
    public void What_a_built_plugin_breaks_at_is_named(string before, string now, params string[] broken)
        => ContractGrowth.Breaks(Compile(before), Compile(now)).ShouldBe(broken, ignoreOrder: true);

    [Theory]
    [InlineData("public interface IPool;", "public interface IPool; public interface IPaintedPool : IPool { string Colour { get; } }")]
    [InlineData("public interface IPool;", "public interface IPool { bool IsPainted => false; }")]
    [InlineData("public class Spec { public int Size { get; init; } }", "public class Spec { public int Size { get; init; } public int Quota { get; init; } }")]
    [InlineData("public enum Kind { Io, Busy }", "public enum Kind { Io, Busy, Full }")]
    [InlineData("public abstract class Step;", "public abstract class Step { public virtual string Hint => \"\"; }")]
    public void What_may_grow_breaks_nothing(string before, string now)
    {
        ContractGrowth.Breaks(Compile(before), Compile(now)).ShouldBeEmpty();
        ContractGrowth.Stiff(Compile(now)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("public interface IPool { void Paint() { } }", "IPool: System.Void Paint() has a body: a new ability is a new interface")]
    [InlineData("public class Spec { public int Size { get; set; } }", "Spec: Size can be set: what is handed over does not change")]
    [InlineData("public interface IPool { (int, int) Sizes { get; } }", "IPool: System.ValueTuple`2[System.Int32,System.Int32] get_Sizes() has a tuple, which never gets one more: use a record")]
    [InlineData("public interface IPool { System.Threading.Tasks.ValueTask GrowAsync(long size); }", "IPool: System.Threading.Tasks.ValueTask GrowAsync(System.Int64) can't be cancelled")]
    public void What_could_not_grow_is_named(string contract, string stiff) => ContractGrowth.Stiff(Compile(contract)).ShouldBe([stiff]);

    [Fact]
    public void The_contract_has_nothing_that_could_not_grow() => ContractGrowth.Stiff(typeof(IStoragePlugin).Assembly).ShouldBeEmpty();

    [Fact]
    public void The_contract_has_only_grown_since_each_version_that_is_kept()
    {
        Assembly now = typeof(IStoragePlugin).Assembly;
        int major = now.GetName().Version!.Major;
        string[] kept = [.. Directory.EnumerateFiles(RepositoryFiles.Path("tests/Contracts"), "EveStorage.Abstractions.dll", SearchOption.AllDirectories)
            .Where(path => AssemblyName.GetAssemblyName(path).Version!.Major == major)];

        (kept.Length > 0).ShouldBe(major > 0, "a contract that is held to is kept, by eng/contract");
        foreach (string path in kept)
        {
            ContractGrowth.Breaks(new AssemblyLoadContext(path).LoadFromAssemblyPath(path), now).ShouldBeEmpty(path);
        }
    }

    private static Assembly Compile(string source)
    {
        CSharpCompilation compilation = CSharpCompilation.Create("Contract", [CSharpSyntaxTree.ParseText(source)], s_framework, new(OutputKind.DynamicallyLinkedLibrary));
        using MemoryStream image = new();
        compilation.Emit(image).Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ShouldBeEmpty();
        image.Position = 0;
        return new AssemblyLoadContext(source).LoadFromStream(image);
    }
}
