namespace EveStorage.Tests;

/// <summary>The kernel's transports held to the contract by `evestorage plugin check`, on a machine whose kernel may be changed.</summary>
public sealed class PluginCheckTests
{
    [Theory]
    [InlineData("eve.nvmet-tcp --set Address=127.0.0.1", 17)]
    [InlineData("eve.nvmet-loop", 12)]
    [InlineData("eve.vhost-scsi --set Fabric=loopback", 12)]
    public async Task A_transport_of_the_kernel_keeps_its_promises_on_a_machine_whose_target_is_then_as_it_was(string plugin, int kept)
    {
        Guest.RequireLong();
        Guest.Require();
        // One processor: two of them wait for each other's locks under emulation on a busy machine.
        await using HostedGuest hosted = await HostedGuest.StartAsync("{}", "--smp", "1");

        string said = await hosted.Guest.RunAsync($"modprobe loop; evestorage plugin check {plugin} --profile /root/profile.json 2>&1 || true", 1500);

        said.ShouldEndWith($"\n{kept} kept, 0 broken, {17 - kept} not tried or not claimed");
        (await hosted.Guest.RunAsync("find /sys/kernel/config/nvmet/*/* /run/evestorage/nvmet/* 2> /dev/null || true")).ShouldBeEmpty();
        (await hosted.Guest.RunAsync("find /sys/kernel/config/target/core/iblock_0/evestorage-* /sys/kernel/config/target/loopback/naa.* /run/evestorage/target/* -maxdepth 0 2> /dev/null || true")).ShouldBeEmpty();
    }
}
