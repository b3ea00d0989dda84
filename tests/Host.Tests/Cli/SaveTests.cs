using System.Diagnostics;
using EveStorage.Linux;

namespace EveStorage.Tests;

public sealed class SaveTests : IDisposable
{
    private readonly CommandLineHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("> saved", false)]
    [InlineData("| cat > saved", false)]
    [InlineData("| cat > saved", true)]
    public async Task The_standard_output_takes_an_image_and_nothing_else(string redirection, bool daemon)
    {
        await MakeVolumeAsync(mebibytes: 8);
        if (daemon)
        {
            await _host.ServeAsync();
        }

        Ended saved = await ShellAsync($"image save vm1 - --format qcow2 --compression zlib {redirection}");

        (saved.Code, saved.Output).ShouldBe((0, ""));
        saved.Error.ShouldContain("data/vm1: size 8MiB, written ");
        await QemuImages.RunAsync("qemu-img", "check", "-f", "qcow2", _host["saved"]);
        await QemuImages.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", "raw", _host["saved"], _host["disk.raw"]);
    }

    [Fact]
    public async Task What_is_there_already_is_not_written_over_by_a_redirection_that_appends()
    {
        await MakeVolumeAsync(mebibytes: 4);
        await File.WriteAllTextAsync(_host["saved"], "precious", TestContext.Current.CancellationToken);

        (await ShellAsync("image save vm1 - >> saved")).Error.ShouldContain("holds something");
        (await ShellAsync("image save vm1 - --format qcow2 >> other")).Error.ShouldContain("is open to be appended to");

        (await File.ReadAllTextAsync(_host["saved"], TestContext.Current.CancellationToken)).ShouldBe("precious");
    }

    [Fact]
    public async Task An_image_has_its_name_once_it_is_whole_and_never_when_its_writer_is_killed()
    {
        await MakeVolumeAsync(mebibytes: 512);
        using Process save = CommandLineHost.Start(new(CommandLineHost.Program, ["image", "save", "vm1", _host["saved"], "--format", "qcow2", "--compression", "zlib", "--profile", _host.Profile])
        {
            RedirectStandardError = true,
        });
        (await save.StandardError.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldNotBeNull();

        save.Kill();
        await save.WaitForExitAsync(TestContext.Current.CancellationToken);

        File.Exists(_host["saved"]).ShouldBeFalse();
        await _host.DoAsync("image", "save", "vm1", _host["saved"], "--format", "qcow2");
        await QemuImages.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", "raw", _host["saved"], _host["disk.raw"]);
    }

    private async Task<Ended> ShellAsync(string arguments)
        => await CommandLineHost.RunProgramAsync("/bin/bash", ["-c", $"set -o pipefail; cd {_host["."]}; {CommandLineHost.Program} --profile {_host.Profile} {arguments}"]);

    private async Task MakeVolumeAsync(int mebibytes)
    {
        byte[] half = new byte[1 << 19];
        new Random(1).NextBytes(half);
        await using (FileStream disk = File.Create(_host["disk.raw"]))
        {
            for (int number = 0; number < mebibytes; number++)
            {
                half[0] = (byte)number;
                await disk.WriteAsync(half, TestContext.Current.CancellationToken);
                await disk.WriteAsync(new byte[1 << 19], TestContext.Current.CancellationToken);
            }
        }

        await _host.DoAsync("pool", "create", "data");
        await _host.DoAsync("image", "import", _host["disk.raw"], "vm1", "--format", "raw");
    }
}
