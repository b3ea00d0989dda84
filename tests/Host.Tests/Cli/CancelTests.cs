using System.Diagnostics;

namespace EveStorage.Tests;

public sealed class CancelTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ctrl_C_undoes_an_import_and_is_exit_code_130(bool daemon)
    {
        using CommandLineHost host = new();
        await WriteImageAsync(host["disk.raw"], mebibytes: 1024);
        await host.DoAsync("pool", "create", "data");
        if (daemon)
        {
            await host.ServeAsync();
        }

        // A terminal sends Ctrl-C to the whole process group: the worker must not be in it, or it would look as if it crashed.
        // Who runs the tests in the background may have them ignore it, and so their children.
        using Process import = CommandLineHost.Start(new("env", ["--default-signal=INT", "setsid", CommandLineHost.Program, "image", "import", host["disk.raw"], "vm1", "--format", "raw", "--profile", host.Profile])
        {
            RedirectStandardError = true,
        });
        string? line = await import.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
        (await CommandLineHost.RunProgramAsync("kill", ["-INT", "--", $"-{import.Id}"])).Code.ShouldBe(0);
        string rest = await import.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await import.WaitForExitAsync(TestContext.Current.CancellationToken);

        import.ExitCode.ShouldBe(130, $"{line}\n{rest}");
        rest.ShouldContain("cancelled, and undone");
        (await host.DoAsync("volume", "list", "--json")).Json.GetArrayLength().ShouldBe(0);
        Directory.EnumerateFileSystemEntries(host["pool/volumes"]).ShouldBeEmpty();
        (await host.DoAsync("operation", "list", "--json")).Json.EnumerateArray().Last().GetProperty("state").GetString().ShouldBe("cancelled");
    }

    [Fact]
    public async Task A_daemon_that_is_told_to_stop_undoes_what_it_does_and_is_exit_code_0()
    {
        using CommandLineHost host = new();
        await WriteImageAsync(host["disk.raw"], mebibytes: 1024);
        await host.DoAsync("pool", "create", "data");
        Process daemon = await host.ServeAsync();
        using Process import = CommandLineHost.Start(new(CommandLineHost.Program, ["image", "import", host["disk.raw"], "vm1", "--format", "raw", "--profile", host.Profile])
        {
            RedirectStandardError = true,
        });
        await import.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);

        int code = await CommandLineHost.StopAsync(daemon);

        code.ShouldBe(0);
        await import.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await import.WaitForExitAsync(TestContext.Current.CancellationToken);
        import.ExitCode.ShouldNotBe(0);
        Directory.EnumerateFileSystemEntries(host["pool/volumes"]).ShouldBeEmpty();
    }

    private static async Task WriteImageAsync(string path, int mebibytes)
    {
        byte[] block = new byte[1 << 20];
        new Random(1).NextBytes(block);
        await using FileStream image = File.Create(path);
        for (int i = 0; i < mebibytes; i++)
        {
            await image.WriteAsync(block, TestContext.Current.CancellationToken);
        }
    }
}
