using EveStorage.Luks;

namespace EveStorage.Tests;

public class CipherTests
{
    [Fact]
    public async Task A_CPU_with_AES_instructions_has_aes()
        => (await ChooseAsync(new() { HasAesInstructions = true, HasAdiantum = true }))
            .ShouldSatisfyAllConditions(c => c.Name.ShouldBe("aes-xts"), c => c.Reason.ShouldBe("this CPU has AES instructions"));

    [Fact]
    public async Task One_without_them_has_what_it_is_measured_to_be_faster_at_and_says_both()
        => (await ChooseAsync(new Measured(aes: 80, adiantum: 300) { HasAesInstructions = false, HasAdiantum = true }))
            .ShouldSatisfyAllConditions(
                c => c.Name.ShouldBe("adiantum"),
                c => c.KeyBits.ShouldBe(256),
                c => c.Reason.ShouldBe("this CPU has no AES instructions, and decrypts 300 MiB/s with adiantum, 80 MiB/s with aes-xts"));

    [Fact]
    public async Task An_accelerator_that_the_flags_do_not_tell_of_is_measured_too()
        => (await ChooseAsync(new Measured(aes: 500, adiantum: 300) { HasAesInstructions = false, HasAdiantum = true })).Name.ShouldBe("aes-xts");

    [Fact]
    public async Task What_can_not_be_measured_is_said()
        => (await ChooseAsync(new Measured(aes: null, adiantum: null) { HasAesInstructions = false, HasAdiantum = true }))
            .ShouldSatisfyAllConditions(c => c.Name.ShouldBe("adiantum"), c => c.Reason.ShouldEndWith("and neither could be measured"));

    [Fact]
    public async Task A_kernel_without_adiantum_has_aes()
        => (await ChooseAsync(new() { HasAesInstructions = false, HasAdiantum = false })).Name.ShouldBe("aes-xts");

    [Fact]
    public async Task What_is_configured_is_not_chosen()
        => (await LuksCipher.ChooseAsync(new() { Cipher = "adiantum" }, new() { HasAesInstructions = true }, default)).Reason.ShouldBe("as configured");

    [Theory]
    [InlineData("# Tests are approximate using memory only (no storage IO).\n# Algorithm |       Key |      Encryption |      Decryption\n    aes-xts        512b      1663.0 MiB/s      1689.5 MiB/s\n", 1689.5)]
    [InlineData("# Tests are approximate using memory only (no storage IO).\n", null)]
    [InlineData("", null)]
    public void The_speed_of_decryption_is_the_last_of_the_table(string printed, double? speed) => Machine.SpeedIn(printed).ShouldBe(speed);

    [Fact]
    public void Options_that_can_not_be_are_all_said()
        => new LuksOptionsValidator().Validate(null, new() { Cipher = "rot13", KeyBits = 128, SectorSize = new(1024) }).Failures!.Count().ShouldBe(3);

    private static Task<LuksCipher> ChooseAsync(Machine machine) => LuksCipher.ChooseAsync(new(), machine, default);

    private sealed record Measured(double? aes, double? adiantum) : Machine
    {
        internal override Task<double?> MeasureAsync(LuksCipher cipher, CancellationToken cancellationToken)
            => Task.FromResult(cipher.Name == LuksCipher.Aes ? aes : adiantum);
    }
}
