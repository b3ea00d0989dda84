using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Imports into a pool that has no room for them.</summary>
public sealed class FullPoolImportTests
{
    private const int Length = 32 << 20;

    [Theory]
    [InlineData(VolumeTraits.Thin)]
    [InlineData(VolumeTraits.None)]
    public async Task What_is_told_is_told_of_the_volume_that_was_asked_for(VolumeTraits traits)
    {
        Command mount = Command.Find("mount") is Command found && Environment.UserName == "root" ? found
            : Environment.GetEnvironmentVariable("CI") == "true" ? throw new InvalidOperationException("root and mount are needed") : throw Xunit.Sdk.SkipException.ForSkip("needs root and mount");
        await using TestEngine host = new();
        string ground = Directory.CreateDirectory(Path.Combine(host.State, "pools")).FullName;
        await mount.RunAsync(["-t", "tmpfs", "-o", "size=16m", "tmpfs", ground], TestContext.Current.CancellationToken);
        try
        {
            await (await host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });
            byte[] image = new byte[Length];
            new Random(8).NextBytes(image);
            await File.WriteAllBytesAsync(host["disk.img"], image, TestContext.Current.CancellationToken);

            ErrorReport error = await RefusalAsync(host, TestEngine.Import("vm1", "raw") with { Traits = traits, Verify = false });

            error.Kind.ShouldBe(StorageErrorKind.OutOfSpace, error.Message);
            $"{error.Subject}: {error.Message}".ShouldNotContain($"{VolumeName.ForOperation(default)}"[..4]);
            error.Subject.ShouldContain("vm1", customMessage: error.Message);
        }
        finally
        {
            await host.EndAsync();
            await MountUse.EndAsync(ground, ground, TimeProvider.System, CancellationToken.None);
        }
    }

    private static async Task<ErrorReport> RefusalAsync(TestEngine host, ImportImage request)
    {
        using SafeFileHandle image = File.OpenHandle(host["disk.img"]);
        try
        {
            return (await host.RunAsync(request, image)).Error.ShouldNotBeNull();
        }
        catch (StorageException e)
        {
            return ErrorReport.Of(e);
        }
    }
}
