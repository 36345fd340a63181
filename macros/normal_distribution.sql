{#-
  The normal distribution in plain SQL for both engines. Arguments are expressions of type double;
  prefer columns, since arguments are repeated. tests/python/macros/test_normal_distribution.py
  compares both macros with SciPy.
-#}

{#- A polynomial by Horner's rule; coefficients from the highest power down. -#}
{% macro polynomial(x, coefficients) -%}
    {{- '(' * (coefficients | length - 1) -}}
    {%- for coefficient in coefficients -%}
        {{ coefficient }}{{ '' if loop.first else ')' }}{{ ' * ' ~ x ~ ' + ' if not loop.last else '' }}
    {%- endfor -%}
{%- endmacro %}


{#-
  P(|Z| >= |z|) of a standard normal Z: the two-sided p-value of a z statistic; null for null.
  Source: Hart et al. (1968), "Computer Approximations", algorithm 5666, as given by West (2005),
  "Better approximations to cumulative normal functions", Wilmott; the continued fraction beyond
  |z| = 7.07 has four more levels here.
-#}
{% macro normal_two_sided_p_value(z) -%}
    {%- set x = 'abs(' ~ z ~ ')' -%}
    {%- set numerator = [
        '3.52624965998911e-2', '0.700383064443688', '6.37396220353165', '33.912866078383',
        '112.079291497871', '221.213596169931', '220.206867912376'
    ] -%}
    {%- set denominator = [
        '8.83883476483184e-2', '1.75566716318264', '16.064177579207', '86.7807322029461',
        '296.564248779674', '637.333633378831', '793.826512519948', '440.413735824752'
    ] -%}
    case
        when {{ x }} < 7.07106781186547
            then 2 * exp(-0.5 * {{ z }} * {{ z }}) * {{ polynomial(x, numerator) }} / {{ polynomial(x, denominator) }}
        when {{ x }} < 37
            then 2 * exp(-0.5 * {{ z }} * {{ z }}) / 2.506628274631000502 / (
                {%- for level in range(1, 9) %}{{ x }} + {{ level }} / ({% endfor -%}
                {{ x }} + 0.65
                {%- for level in range(1, 9) %}){% endfor -%}
            )
        when {{ z }} is not null then cast(0 as double)
    end
{%- endmacro %}


{#- P(Z <= z) of a standard normal Z; null for null. -#}
{% macro normal_cdf(z) -%}
    (
        case
            when {{ z }} < 0 then 0.5 * {{ normal_two_sided_p_value(z) }}
            else 1 - 0.5 * {{ normal_two_sided_p_value(z) }}
        end
    )
{%- endmacro %}


{#-
  The z with P(Z <= z) = p, for 0 < p < 1; null otherwise. Source: Wichura (1988), algorithm AS 241
  (PPND16), "The percentage points of the normal distribution", Applied Statistics 37.
-#}
{% macro normal_quantile(p) -%}
    {%- set central = '(0.180625 - (' ~ p ~ ' - 0.5) * (' ~ p ~ ' - 0.5))' -%}
    {%- set tail = 'sqrt(-ln(case when ' ~ p ~ ' < 0.5 then ' ~ p ~ ' else 1 - ' ~ p ~ ' end))' -%}
    {%- set near = '(' ~ tail ~ ' - 1.6)' -%}
    {%- set far = '(' ~ tail ~ ' - 5)' -%}
    {%- set a = [
        '2.5090809287301226727e+3', '3.3430575583588128105e+4', '6.7265770927008700853e+4',
        '4.5921953931549871457e+4', '1.3731693765509461125e+4', '1.9715909503065514427e+3',
        '1.3314166789178437745e+2', '3.3871328727963666080e+0'
    ] -%}
    {%- set b = [
        '5.2264952788528545610e+3', '2.8729085735721942674e+4', '3.9307895800092710610e+4',
        '2.1213794301586595867e+4', '5.3941960214247511077e+3', '6.8718700749205790830e+2',
        '4.2313330701600911252e+1', '1e0'
    ] -%}
    {%- set c = [
        '7.74545014278341407640e-4', '2.27238449892691845833e-2', '2.41780725177450611770e-1',
        '1.27045825245236838258e+0', '3.64784832476320460504e+0', '5.76949722146069140550e+0',
        '4.63033784615654529590e+0', '1.42343711074968357734e+0'
    ] -%}
    {%- set d = [
        '1.05075007164441684324e-9', '5.47593808499534494600e-4', '1.51986665636164571966e-2',
        '1.48103976427480074590e-1', '6.89767334985100004550e-1', '1.67638483018380384940e+0',
        '2.05319162663775882187e+0', '1e0'
    ] -%}
    {%- set e = [
        '2.01033439929228813265e-7', '2.71155556874348757815e-5', '1.24266094738807843860e-3',
        '2.65321895265761230930e-2', '2.96560571828504891230e-1', '1.78482653991729133580e+0',
        '5.46378491116411436990e+0', '6.65790464350110377720e+0'
    ] -%}
    {%- set f = [
        '2.04426310338993978564e-15', '1.42151175831644588870e-7', '1.84631831751005468180e-5',
        '7.86869131145613259100e-4', '1.48753612908506148525e-2', '1.36929880922735805310e-1',
        '5.99832206555887937690e-1', '1e0'
    ] -%}
    case
        when {{ p }} is null or {{ p }} <= 0 or {{ p }} >= 1 then null
        when abs({{ p }} - 0.5) <= 0.425
            then ({{ p }} - 0.5) * {{ polynomial(central, a) }} / {{ polynomial(central, b) }}
        when {{ tail }} <= 5
            then
                case when {{ p }} < 0.5 then -1 else 1 end
                * {{ polynomial(near, c) }} / {{ polynomial(near, d) }}
        else
            case when {{ p }} < 0.5 then -1 else 1 end
            * {{ polynomial(far, e) }} / {{ polynomial(far, f) }}
    end
{%- endmacro %}
