using EveStorage.NvmetUser;
using Microsoft.Extensions.Options;

namespace EveStorage.Tests;

public sealed class OptionsTests
{
    [Fact]
    public void The_defaults_are_valid_and_listen_on_the_loopback_only()
    {
        NvmetUserOptions options = new();

        Validate(options).Succeeded.ShouldBeTrue();
        options.Address.ShouldBe("127.0.0.1");
        options.AllowUnauthenticated.ShouldBeFalse();
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("192.0.2.1")]
    [InlineData("::")]
    public void An_address_others_can_reach_is_refused_with_both_keys_unless_it_is_allowed(string address)
    {
        ValidateOptionsResult refused = Validate(new() { Address = address });

        refused.FailureMessage.ShouldNotBeNull().ShouldContain(nameof(NvmetUserOptions.Address));
        refused.FailureMessage.ShouldContain(nameof(NvmetUserOptions.AllowUnauthenticated));
        Validate(new() { Address = address, AllowUnauthenticated = true }).Succeeded.ShouldBeTrue();
        Validate(new() { Address = address, RequireAuthentication = true }).Succeeded.ShouldBeTrue();
        Validate(new() { Address = "::1" }).Succeeded.ShouldBeTrue();
    }

    [Fact]
    public void Every_wrong_value_is_named_at_once()
    {
        ValidateOptionsResult result = Validate(new()
        {
            Address = "localhost",
            Port = 70000,
            MaxConnections = 1,
            MaxQueues = 0,
            QueueDepth = 16,
            BufferMemory = ByteSize.MiB(1),
            SpinMicroseconds = -1,
            MaxKeepAliveSeconds = 0,
            HandshakeSeconds = 0,
            StallSeconds = 0,
        });

        foreach (string key in (string[])[
            nameof(NvmetUserOptions.Address), nameof(NvmetUserOptions.Port), nameof(NvmetUserOptions.MaxConnections), nameof(NvmetUserOptions.MaxQueues),
            nameof(NvmetUserOptions.QueueDepth), nameof(NvmetUserOptions.BufferMemory), nameof(NvmetUserOptions.SpinMicroseconds),
            nameof(NvmetUserOptions.MaxKeepAliveSeconds), nameof(NvmetUserOptions.HandshakeSeconds), nameof(NvmetUserOptions.StallSeconds)])
        {
            result.Failures.ShouldNotBeNull().ShouldContain(f => f.Contains(key), key);
        }
    }

    private static ValidateOptionsResult Validate(NvmetUserOptions options) => new NvmetUserOptionsValidator().Validate(null, options);
}
